// What wolfSSL is built with for the cases, under the name that it looks for.
#define WOLFSSL_TLS13
#define WOLFSSL_DTLS
#define WOLFSSL_DTLS13
#define WOLFSSL_DTLS_CID
// A ClientHello in fragments, once its first one shows the cookie.
#define WOLFSSL_DTLS_CH_FRAG
#define WOLFSSL_DTLS_MTU
#define WOLFSSL_SEND_HRR_COOKIE
#define WOLFSSL_SRTP
#define HAVE_KEYING_MATERIAL
#define KEEP_PEER_CERT
#define HAVE_TLS_EXTENSIONS
#define HAVE_SUPPORTED_CURVES
#define HAVE_EXTENDED_MASTER
#define HAVE_AESGCM
#define HAVE_CHACHA
#define HAVE_POLY1305
#define HAVE_ONE_TIME_AUTH
#define HAVE_HKDF
#define HAVE_ECC
#define HAVE_ECC384
#define HAVE_CURVE25519
#define ECC_TIMING_RESISTANT
#define WC_RSA_PSS
#define WC_RSA_BLINDING
#define WOLFSSL_SHA384
#define WOLFSSL_SHA512
#define WOLFSSL_SHA3
#define WOLFSSL_SHAKE128
#define WOLFSSL_SHAKE256
#define HAVE_HASHDRBG
#define WOLFSSL_HAVE_MLKEM
#define WOLFSSL_WC_MLKEM
#define WOLFSSL_PQC_HYBRIDS
#define WOLFSSL_SP_MATH_ALL
#define SP_INT_BITS 4096
#define DTLS_CID_MAX_SIZE 255
// Milliseconds between retransmissions; a second otherwise.
#define DTLS13_MIN_RTX_INTERVAL 100
#define NO_OLD_TLS
#define NO_PSK
#define NO_DH
#define NO_DSA
#define NO_DES3
#define NO_RC4
#define NO_MD4
