/* The number that a source file computes in: float, or double where it is compiled with SFT_REAL_F64.
 *
 * The reference kernels and the transformer are written over `real` and compiled both ways; the double build
 * is the oracle for gradients. REAL_NAME(f) is f_f32 or f_f64, so that both can be linked together. */
#ifndef SFT_KERNELS_REAL_H
#define SFT_KERNELS_REAL_H

#ifdef SFT_REAL_F64
typedef double real;
#define REAL_NAME(name) name##_f64
#else
typedef float real;
#define REAL_NAME(name) name##_f32
#endif

#endif
