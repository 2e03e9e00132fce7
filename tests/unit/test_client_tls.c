/* An endpoint whose certificate nobody vouches for gets no request, and no key. */
#include "serve/mhd.h"

#include "fake_fixture.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* Of "localhost", by itself, until 2126:
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -days 36500 */
static const char certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                  "MIIBfzCCASWgAwIBAgIUNFy4laolJWk5bvAFlSCX1EOgAlcwCgYIKoZIzj0EAwIw\n"
                                  "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzA3MDkwOVoYDzIxMjYxMTAz\n"
                                  "MDcwOTA5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
                                  "PQMBBwNCAATEh11++D5rlAvDx7YSZ/j2xnpEZtveV/n4ctKaAOXYV8PWN7jYVkb6\n"
                                  "SXa8H5HfP+c10sMjsI5KVnN0Vk9EVbJ/o1MwUTAdBgNVHQ4EFgQUqCj0e7eOpgtc\n"
                                  "48obeiSRcLLcmU4wHwYDVR0jBBgwFoAUqCj0e7eOpgtc48obeiSRcLLcmU4wDwYD\n"
                                  "VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAnk/4wRlD6wj7eaOXiz5Q\n"
                                  "BMK1m7uzbI+PNeM5Sng+60oCIF7QB2GW7zhrWKNf0fZUguhIkqCmwcU7S4S6IiRn\n"
                                  "xws5\n"
                                  "-----END CERTIFICATE-----\n";
static const char private_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8OI80K7Ya2v1tjFR\n"
                                  "FH9DhjWfWszWAp402U+aBTQUUa2hRANCAATEh11++D5rlAvDx7YSZ/j2xnpEZtve\n"
                                  "V/n4ctKaAOXYV8PWN7jYVkb6SXa8H5HfP+c10sMjsI5KVnN0Vk9EVbJ/\n"
                                  "-----END PRIVATE KEY-----\n";

static volatile bool was_asked;

static enum MHD_Result note_request(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *upload, size_t *upload_size, void **state)
{
    (void)user, (void)connection, (void)url, (void)method, (void)version, (void)upload, (void)upload_size, (void)state;
    was_asked = true;
    return MHD_NO;
}

/* A socket that listens on a free port. */
static int listen_somewhere(unsigned *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

START_TEST(a_certificate_must_be_vouched_for)
{
    unsigned port;
    const int fd = listen_somewhere(&port);
    check_ok(mhd_load(&err));
    struct MHD_Daemon *daemon = mhd.start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, note_request, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_HTTPS_MEM_KEY, private_key, MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_END);
    ck_assert_ptr_nonnull(daemon);
    char *url = mem_printf("https://localhost:%u/v1", port);
    char *message = mem_printf("%s: its certificate is not trusted, so nothing was sent: ", url);
    default_options();
    client_options.url = url;
    client_options.api_key = "sk-aB3dE6gH9";
    open_client();
    ask("hi");
    ck_assert_int_eq(reply.how, REPLY_FATAL);
    ck_assert_msg(strncmp(err_text(&reply.err), message, strlen(message)) == 0, "%s", err_text(&reply.err));
    ck_assert_uint_eq(reply.n_lost, 0);
    close_client();

    mhd.stop_daemon(daemon);
    ck_assert(!was_asked);
    free(message);
    free(url);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_tls");
    TCase *tc = tcase_create("client_tls");
    tcase_add_test(tc, a_certificate_must_be_vouched_for);
    return run_fixture_suite(suite, tc);
}
