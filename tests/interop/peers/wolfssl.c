// DTLS 1.3, and 1.2, by wolfSSL, with connection IDs (RFC 9147, RFC 9146). `dtls.h` says what it is told and tells.
// wolfSSL asks for a cookie in 1.3 unless told otherwise.
#include "dtls.h"
#include <wolfssl/ssl.h>

// How long it waits before it sends a flight again; wolfSSL itself counts in seconds.
#define TIMEOUT_MS 200

static WOLFSSL *ssl;

static void check(const char *what, int code) {
    if (code != WOLFSSL_SUCCESS) fail(what, code);
}

static int write_out(WOLFSSL *of, char *bytes, int len, void *none) {
    (void)of, (void)none;
    return (int)send_datagram(bytes, (size_t)len);
}

static int read_in(WOLFSSL *of, char *bytes, int room, void *none) {
    (void)of, (void)none;
    long got = receive_datagram(bytes, (size_t)room);
    return got < 0 ? WOLFSSL_CBIO_ERR_WANT_READ : (int)got;
}

// The judgement is left to the certificates' being compared.
static int accept_any(int good, WOLFSSL_X509_STORE_CTX *store) {
    (void)good, (void)store;
    return 1;
}

static WOLFSSL_METHOD *method(void) {
    int old = !strcmp(option("--version"), "1.2");
    if (is_server()) return old ? wolfDTLSv1_2_server_method() : wolfDTLSv1_3_server_method();
    return old ? wolfDTLSv1_2_client_method() : wolfDTLSv1_3_client_method();
}

static void set_groups(void) {
    unsigned short list[16];
    int groups[16], count = numbers(option("--groups"), 10, list, 16);
    for (int i = 0; i < count; i++) groups[i] = list[i];
    if (count) check("groups", wolfSSL_set_groups(ssl, groups, count));
    if (is_server()) return;
    if (option("--no-share")) check("no share", wolfSSL_NoKeyShares(ssl));
    else if (count) check("share", wolfSSL_UseKeyShare(ssl, list[0]));
}

static void set_up(void) {
    unsigned char id[256];
    wolfSSL_Init();
    WOLFSSL_CTX *context = wolfSSL_CTX_new(method());
    check("certificate", wolfSSL_CTX_use_certificate_file(context, arguments[3], WOLFSSL_FILETYPE_PEM));
    check("key", wolfSSL_CTX_use_PrivateKey_file(context, arguments[4], WOLFSSL_FILETYPE_PEM));
    wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    wolfSSL_CTX_SetIOSend(context, write_out);
    wolfSSL_CTX_SetIORecv(context, read_in);
    if (option("--srtp") && wolfSSL_CTX_set_tlsext_use_srtp(context, option("--srtp"))) fail("SRTP profile", 0);
    ssl = wolfSSL_new(context);
    wolfSSL_dtls_set_using_nonblock(ssl, 1);
    // It gives up once its seconds, doubled each time, are more than this.
    check("timeout", wolfSSL_dtls_set_timeout_max(ssl, 1 << 30));
    // The exporter needs what the handshake drew.
    wolfSSL_KeepArrays(ssl);
    if (option("--suite")) check("suite", wolfSSL_set_cipher_list(ssl, option("--suite")));
    if (option("--mtu")) check("MTU", wolfSSL_dtls_set_mtu(ssl, (unsigned short)atoi(option("--mtu"))));
    if (option("--id")) {
        check("ID", wolfSSL_dtls_cid_use(ssl));
        check("ID", wolfSSL_dtls_cid_set(ssl, id, (unsigned)from_hex(option("--id"), id, sizeof id)));
    }
    if (strcmp(option("--version"), "1.2")) {
        if (is_server() && !option("--cookie")) check("no cookie", wolfSSL_disable_hrr_cookie(ssl));
        if (is_server()) wolfSSL_dtls13_allow_ch_frag(ssl, 1);
        set_groups();
    }
}

// What the last call says: whether it only waits.
static int waits(int code) {
    int error = wolfSSL_get_error(ssl, code);
    return error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE;
}

static void retransmit_if_due(void) {
    static long last;
    if (!last) last = now_ms();
    if (now_ms() - last < TIMEOUT_MS) return;
    last = now_ms();
    if (wolfSSL_dtls_got_timeout(ssl) != WOLFSSL_SUCCESS) fail("retransmission", wolfSSL_get_error(ssl, 0));
}

static void shake(void) {
    int code;
    while ((code = is_server() ? wolfSSL_accept(ssl) : wolfSSL_connect(ssl)) != WOLFSSL_SUCCESS) {
        if (!waits(code)) fail("the handshake", wolfSSL_get_error(ssl, code));
        wait_ms(20);
        retransmit_if_due();
    }
}

static void tell_ids(void) {
    unsigned char *id = NULL;
    unsigned size = 0;
    int agreed = wolfSSL_dtls_cid_is_enabled(ssl);
    if (agreed) wolfSSL_dtls_cid_get_tx_size(ssl, &size), wolfSSL_dtls_cid_get0_tx(ssl, &id);
    printf("ids %s ", agreed ? "agreed" : "none");
    print_hex("peer", id, id ? size : 0);
}

static void tell(void) {
    unsigned char material[EXPORTED];
    printf("connected %s %s %s\n", wolfSSL_get_version(ssl), wolfSSL_get_cipher(ssl), wolfSSL_get_curve_name(ssl));
    check("exporter", wolfSSL_export_keying_material(ssl, material, sizeof material, EXPORTER, strlen(EXPORTER), NULL, 0, 0));
    print_hex("exporter", material, sizeof material);
    WOLFSSL_X509 *shown = wolfSSL_get_peer_certificate(ssl);
    int len = 0;
    const unsigned char *der = shown ? wolfSSL_X509_get_der(shown, &len) : NULL;
    if (der) print_hex("certificate", der, (size_t)len);
    tell_ids();
}

static void obey(const char *line) {
    int code = 1;
    if (!strncmp(line, "send ", 5)) code = wolfSSL_write(ssl, line + 5, (int)strlen(line + 5)) > 0;
    else if (!strcmp(line, "ids")) tell_ids();
    else if (!strcmp(line, "update")) code = wolfSSL_update_keys(ssl);
    if (code <= 0 && !waits(code)) fail(line, wolfSSL_get_error(ssl, code));
    if (strcmp(line, "close")) return;
    wolfSSL_shutdown(ssl);
    printf("closed by us\n");
    exit(0);
}

int main(int count, char **values) {
    open_socket(count, values);
    set_up();
    printf("ready\n");
    shake();
    tell();
    for (;;) {
        char text[2048];
        int code = wolfSSL_read(ssl, text, sizeof text - 1);
        if (code > 0) {
            text[code] = 0;
            follow_peer();
            printf("received %s\n", text);
            continue;
        }
        if (wolfSSL_get_error(ssl, code) == WOLFSSL_ERROR_ZERO_RETURN) {
            printf("closed by the peer\n");
            return 0;
        }
        if (!waits(code)) fail("read", wolfSSL_get_error(ssl, code));
        const char *line = next_line();
        if (line) obey(line);
        else wait_ms(50), retransmit_if_due();
    }
}
