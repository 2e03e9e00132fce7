/* The program's version, as everything that it writes says it. */
#ifndef SFT_BASE_VERSION_H
#define SFT_BASE_VERSION_H

#define SFT_VERSION "0.1"

#endif
