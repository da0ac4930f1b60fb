// What the DTLS peers in C have in common: their command line, a UDP socket, and the lines that they are told and tell.
//
//   PEER client|server PORT CERTIFICATE KEY [--name value]...   (PEM files; 127.0.0.1)
//     --version 1.2|1.3  --suite CODE  --groups NUMBER,...  --mtu BYTES  --srtp CODE
//     --id HEX    the connection ID it wants to receive, "-" for an empty one; without it, it knows of none
//     --cookie    as a server, asks for a cookie       --no-share  as a client, waits to be asked for its key share
//   in:  send TEXT | update (the key) | ids | close
//   out: ready | connected SUITE | exporter HEX | certificate HEX (the peer's, DER)
//        ids agreed|none peer HEX (what it puts into its records) | received TEXT | closed | failed: WHY
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EXPORTER "EXTRACTOR-dtls_srtp"
#define EXPORTED 60

static int argument_count;
static char **arguments;

static const char *option(const char *name) {
    for (int i = 5; i < argument_count; i++)
        if (!strcmp(arguments[i], name)) return i + 1 < argument_count ? arguments[i + 1] : "";
    return NULL;
}

static int is_server(void) { return !strcmp(arguments[1], "server"); }

static void fail(const char *what, int code) {
    printf("failed: %s: %d (-0x%04x)\n", what, code, code < 0 ? -code : 0);
    exit(1);
}

// Fills numbers from "1,2,3", and ends them with a zero.
static int numbers(const char *text, int base, unsigned short *out, int room) {
    int count = 0;
    while (text && *text && count + 1 < room) {
        char *end;
        out[count++] = (unsigned short)strtol(text, &end, base);
        text = *end ? end + 1 : end;
    }
    out[count] = 0;
    return count;
}

static size_t from_hex(const char *text, unsigned char *out, size_t room) {
    size_t len = 0;
    unsigned byte;
    while (len < room && sscanf(text + 2 * len, "%2x", &byte) == 1) out[len++] = (unsigned char)byte;
    return len;
}

static void print_hex(const char *name, const unsigned char *bytes, size_t len) {
    printf("%s ", name);
    for (size_t i = 0; i < len; i++) printf("%02X", bytes[i]);
    printf("\n");
}

// Where the peer is, and where the last datagram came from: the one becomes the other once it proved to be the peer's.
static int udp;
static struct sockaddr_in peer, latest;

static void open_socket(int count, char **values) {
    argument_count = count, arguments = values;
    if (count < 5) exit(2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(values[2]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (is_server()) {
        if (bind(udp, (struct sockaddr *)&address, sizeof address)) fail("bind", errno);
    } else {
        peer = latest = address;
    }
    fcntl(udp, F_SETFL, O_NONBLOCK);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
}

static long send_datagram(const void *bytes, size_t len) {
    return sendto(udp, bytes, len, 0, (struct sockaddr *)&peer, sizeof peer);
}

// Negative when there is none.
static long receive_datagram(void *bytes, size_t room) {
    socklen_t len = sizeof latest;
    long got = recvfrom(udp, bytes, room, 0, (struct sockaddr *)&latest, &len);
    if (got >= 0 && !peer.sin_port) peer = latest;
    return got;
}

static void follow_peer(void) { peer = latest; }

// Waits for a datagram, a line or the time.
static void wait_ms(int ms) {
    struct pollfd both[] = {{udp, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    poll(both, 2, ms);
}

// The next line that was given, without its end; NULL when there is none yet.
static char *next_line(void) {
    static char buffer[4096], line[4096];
    static size_t filled;
    long got = read(STDIN_FILENO, buffer + filled, sizeof buffer - filled - 1);
    if (got > 0) filled += (size_t)got;
    if (got == 0 && !filled) exit(0);
    buffer[filled] = 0;
    char *end = strchr(buffer, '\n');
    if (!end) return NULL;
    size_t len = (size_t)(end - buffer);
    memcpy(line, buffer, len);
    line[len] = 0;
    filled -= len + 1;
    memmove(buffer, end + 1, filled);
    return line;
}

static inline long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}
