// DTLS 1.2 by Mbed TLS, with connection IDs (RFC 9146). `dtls.h` says what it is told and tells.
#include "dtls.h"
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cookie.h>
#include <mbedtls/timing.h>

#define CHECK(call) do { int code_ = (call); if (code_) fail(#call, code_); } while (0)

static mbedtls_ssl_context ssl;
static mbedtls_ssl_config config;
static mbedtls_ctr_drbg_context random_;
static mbedtls_timing_delay_context timer;
static unsigned char exported[EXPORTED];

static int write_out(void *none, const unsigned char *bytes, size_t len) {
    (void)none;
    return (int)send_datagram(bytes, len);
}

static int read_in(void *none, unsigned char *bytes, size_t room) {
    (void)none;
    long got = receive_datagram(bytes, room);
    return got < 0 ? MBEDTLS_ERR_SSL_WANT_READ : (int)got;
}

// Mbed TLS leaves the exporter to whoever wants it (RFC 5705).
static void on_keys(void *none, mbedtls_ssl_key_export_type type, const unsigned char *secret, size_t len,
                    const unsigned char client[32], const unsigned char server[32], mbedtls_tls_prf_types prf) {
    (void)none, (void)type;
    unsigned char both[64];
    memcpy(both, client, 32);
    memcpy(both + 32, server, 32);
    CHECK(mbedtls_ssl_tls_prf(prf, secret, len, EXPORTER, both, sizeof both, exported, sizeof exported));
}

static void configure(void) {
    static mbedtls_entropy_context entropy;
    static mbedtls_x509_crt certificate;
    static mbedtls_pk_context key;
    static mbedtls_ssl_cookie_ctx cookies;
    static unsigned short groups[16];
    static int suites[2];
    static mbedtls_ssl_srtp_profile profiles[2];
    mbedtls_ssl_init(&ssl), mbedtls_ssl_config_init(&config), mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random_), mbedtls_x509_crt_init(&certificate), mbedtls_pk_init(&key), mbedtls_ssl_cookie_init(&cookies);
    CHECK(mbedtls_ctr_drbg_seed(&random_, mbedtls_entropy_func, &entropy, NULL, 0));
    CHECK(mbedtls_x509_crt_parse_file(&certificate, arguments[3]));
    CHECK(mbedtls_pk_parse_keyfile(&key, arguments[4], NULL, mbedtls_ctr_drbg_random, &random_));
    CHECK(mbedtls_ssl_config_defaults(&config, is_server() ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                      MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT));
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_OPTIONAL);
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_);
    mbedtls_ssl_conf_ca_chain(&config, &certificate, NULL);
    CHECK(mbedtls_ssl_conf_own_cert(&config, &certificate, &key));
    if (is_server() && option("--cookie")) {
        CHECK(mbedtls_ssl_cookie_setup(&cookies, mbedtls_ctr_drbg_random, &random_));
        mbedtls_ssl_conf_dtls_cookies(&config, mbedtls_ssl_cookie_write, mbedtls_ssl_cookie_check, &cookies);
    } else if (is_server()) {
        mbedtls_ssl_conf_dtls_cookies(&config, NULL, NULL, NULL);
    }
    if (option("--suite")) {
        suites[0] = (int)strtol(option("--suite"), NULL, 16);
        mbedtls_ssl_conf_ciphersuites(&config, suites);
    }
    if (option("--groups")) {
        numbers(option("--groups"), 10, groups, 16);
        mbedtls_ssl_conf_groups(&config, groups);
    }
    if (option("--srtp")) {
        profiles[0] = (mbedtls_ssl_srtp_profile)strtol(option("--srtp"), NULL, 16);
        CHECK(mbedtls_ssl_conf_dtls_srtp_protection_profiles(&config, profiles));
    }
}

static void set_id(void) {
    unsigned char id[MBEDTLS_SSL_CID_IN_LEN_MAX];
    if (option("--id")) CHECK(mbedtls_ssl_set_cid(&ssl, MBEDTLS_SSL_CID_ENABLED, id, from_hex(option("--id"), id, sizeof id)));
}

static void set_up(void) {
    unsigned char id[MBEDTLS_SSL_CID_IN_LEN_MAX];
    if (option("--id"))
        CHECK(mbedtls_ssl_conf_cid(&config, from_hex(option("--id"), id, sizeof id), MBEDTLS_SSL_UNEXPECTED_CID_IGNORE));
    CHECK(mbedtls_ssl_setup(&ssl, &config));
    set_id();
    mbedtls_ssl_set_timer_cb(&ssl, &timer, mbedtls_timing_set_delay, mbedtls_timing_get_delay);
    mbedtls_ssl_set_bio(&ssl, NULL, write_out, read_in, NULL);
    mbedtls_ssl_set_export_keys_cb(&ssl, on_keys, NULL);
    if (option("--mtu")) mbedtls_ssl_set_mtu(&ssl, (uint16_t)atoi(option("--mtu")));
}

// The address is part of the cookie, so the first datagram is waited for.
static void shake(void) {
    while (is_server() && !peer.sin_port) {
        wait_ms(1000);
        unsigned char first;
        socklen_t len = sizeof latest;
        if (recvfrom(udp, &first, 1, MSG_PEEK, (struct sockaddr *)&latest, &len) > 0) peer = latest;
    }
    for (;;) {
        if (is_server()) CHECK(mbedtls_ssl_set_client_transport_id(&ssl, (unsigned char *)&peer, sizeof peer));
        int code;
        while ((code = mbedtls_ssl_handshake(&ssl)) == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) wait_ms(20);
        if (!code) return;
        if (code != MBEDTLS_ERR_SSL_HELLO_VERIFY_REQUIRED) fail("the handshake", code);
        printf("asked for a cookie\n");
        CHECK(mbedtls_ssl_session_reset(&ssl));
        set_id();
    }
}

static void tell(void) {
    unsigned char own[MBEDTLS_SSL_CID_IN_LEN_MAX], theirs[MBEDTLS_SSL_CID_OUT_LEN_MAX];
    size_t own_len = 0, len = 0;
    int enabled = 0, own_enabled = 0;
    CHECK(mbedtls_ssl_get_peer_cid(&ssl, &enabled, theirs, &len));
    CHECK(mbedtls_ssl_get_own_cid(&ssl, &own_enabled, own, &own_len));
    printf("connected %04x\n", (unsigned)mbedtls_ssl_get_ciphersuite_id_from_ssl(&ssl));
    print_hex("exporter", exported, sizeof exported);
    const mbedtls_x509_crt *shown = mbedtls_ssl_get_peer_cert(&ssl);
    if (shown) print_hex("certificate", shown->raw.p, shown->raw.len);
    printf("ids %s ", enabled ? "agreed" : "none");
    print_hex("peer", theirs, enabled ? len : 0);
}

static void obey(const char *line) {
    if (!strncmp(line, "send ", 5)) {
        int code = mbedtls_ssl_write(&ssl, (const unsigned char *)line + 5, strlen(line + 5));
        if (code < 0) fail("send", code);
    } else if (!strcmp(line, "close")) {
        while (mbedtls_ssl_close_notify(&ssl) == MBEDTLS_ERR_SSL_WANT_WRITE) wait_ms(1);
        printf("closed by us\n");
        exit(0);
    }
}

int main(int count, char **values) {
    open_socket(count, values);
    configure();
    set_up();
    printf("ready\n");
    shake();
    tell();
    for (;;) {
        unsigned char text[2048];
        int code = mbedtls_ssl_read(&ssl, text, sizeof text - 1);
        if (code > 0) {
            text[code] = 0;
            follow_peer();
            printf("received %s\n", text);
        } else if (code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            printf("closed by the peer\n");
            return 0;
        } else if (code != MBEDTLS_ERR_SSL_WANT_READ && code != MBEDTLS_ERR_SSL_WANT_WRITE && code != MBEDTLS_ERR_SSL_TIMEOUT) {
            fail("read", code);
        } else {
            const char *line = next_line();
            if (line) obey(line);
            else wait_ms(50);
        }
    }
}
