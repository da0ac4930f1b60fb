/* usrsctp by itself, its packets in UDP: opens an association at the same time as the other side does, and sends back
   every message, on stream 2 with limited retransmissions, on stream 3 with a lifetime. A stream that is reset is reset
   back. Ends with the association.
   Usage: usrsctp LOCAL-PORT REMOTE-PORT */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <usrsctp.h>

enum { SCTP_PORT = 5000, BUFFER = 8 << 20, PIECE = 1 << 18 };

static int wire;

static int send_packet(void *end, void *packet, size_t length, uint8_t tos, uint8_t df) {
    (void)end, (void)tos, (void)df;
    send(wire, packet, length, 0); /* the other side may not be there yet: SCTP sends it again */
    return 0;
}

static void *receive_packets(void *end) {
    char packet[65536];
    for (;;) {
        ssize_t length = recv(wire, packet, sizeof packet, 0);
        if (length > 0) usrsctp_conninput(end, packet, length, 0);
    }
    return NULL;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void open_wire(int local, int remote) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(local)};
    wire = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(wire, (struct sockaddr *)&address, sizeof address)) fail("bind");
    address.sin_port = htons(remote);
    if (connect(wire, (struct sockaddr *)&address, sizeof address)) fail("connect");
}

static void set(struct socket *s, int level, int option, const void *value, socklen_t length) {
    if (usrsctp_setsockopt(s, level, option, value, length)) fail("setsockopt");
}

static struct socket *associate(void) {
    struct sockaddr_conn end = {.sconn_family = AF_CONN, .sconn_port = htons(SCTP_PORT), .sconn_addr = &wire};
    const int on = 1, buffer = BUFFER;
    struct sctp_initmsg streams = {.sinit_num_ostreams = 100, .sinit_max_instreams = 100};
    struct sctp_assoc_value resets = {.assoc_id = SCTP_ALL_ASSOC, .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_RESET_ASSOC_REQ};
    struct sctp_event event = {.se_assoc_id = SCTP_ALL_ASSOC, .se_type = SCTP_STREAM_RESET_EVENT, .se_on = 1};
    usrsctp_register_address(&wire);
    struct socket *s = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (!s) fail("socket");
    set(s, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    set(s, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    set(s, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on);
    set(s, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on);
    set(s, IPPROTO_SCTP, SCTP_INITMSG, &streams, sizeof streams);
    set(s, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &resets, sizeof resets);
    set(s, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event);
    if (usrsctp_bind(s, (struct sockaddr *)&end, sizeof end)) fail("usrsctp_bind");
    if (usrsctp_connect(s, (struct sockaddr *)&end, sizeof end)) fail("usrsctp_connect");
    return s;
}

static void echo(struct socket *s, const struct sctp_rcvinfo *info, const char *message, size_t length) {
    struct sctp_sendv_spa how = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};
    how.sendv_sndinfo.snd_sid = info->rcv_sid;
    how.sendv_sndinfo.snd_ppid = info->rcv_ppid;
    how.sendv_sndinfo.snd_flags = info->rcv_flags & SCTP_UNORDERED;
    if (info->rcv_sid == 2 || info->rcv_sid == 3) {
        how.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        how.sendv_prinfo.pr_policy = info->rcv_sid == 2 ? SCTP_PR_SCTP_RTX : SCTP_PR_SCTP_TTL;
        how.sendv_prinfo.pr_value = info->rcv_sid == 2 ? 30 : 20000;
    }
    if (usrsctp_sendv(s, message, length, NULL, 0, &how, sizeof how, SCTP_SENDV_SPA, 0) < 0) fail("usrsctp_sendv");
}

/* Resets our side of what the other side reset of its own. */
static void reset_back(struct socket *s, const struct sctp_stream_reset_event *event) {
    if (!(event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN)) return;
    size_t count = (event->strreset_length - sizeof *event) / sizeof(uint16_t);
    size_t length = sizeof(struct sctp_reset_streams) + count * sizeof(uint16_t);
    struct sctp_reset_streams *back = calloc(1, length);
    back->srs_flags = SCTP_STREAM_RESET_OUTGOING;
    back->srs_number_streams = count;
    memcpy(back->srs_stream_list, event->strreset_stream_list, count * sizeof(uint16_t));
    if (usrsctp_setsockopt(s, IPPROTO_SCTP, SCTP_RESET_STREAMS, back, length)) perror("reset");
    free(back);
}

/* Messages come in pieces. */
static void serve(struct socket *s) {
    static char piece[PIECE];
    char *message = NULL;
    size_t sofar = 0;
    for (unsigned long messages = 0;;) {
        struct sctp_rcvinfo info;
        socklen_t from = 0, length = sizeof info;
        unsigned type = 0;
        int flags = 0;
        ssize_t got = usrsctp_recvv(s, piece, sizeof piece, NULL, &from, &info, &length, &type, &flags);
        if (got <= 0) {
            printf("usrsctp: the end after %lu messages\n", messages);
            return;
        }
        if (flags & MSG_NOTIFICATION) {
            const union sctp_notification *notification = (const void *)piece;
            if (notification->sn_header.sn_type == SCTP_STREAM_RESET_EVENT) reset_back(s, &notification->sn_strreset_event);
            continue;
        }
        message = realloc(message, sofar + got);
        memcpy(message + sofar, piece, got);
        sofar += got;
        if (!(flags & MSG_EOR)) continue;
        echo(s, &info, message, sofar);
        sofar = 0;
        messages++;
    }
}

int main(int count, char **arguments) {
    if (count < 3) return 2;
    pthread_t thread;
    setvbuf(stdout, NULL, _IOLBF, 0);
    open_wire(atoi(arguments[1]), atoi(arguments[2]));
    usrsctp_init(0, send_packet, NULL);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    pthread_create(&thread, NULL, receive_packets, &wire);
    struct socket *s = associate();
    printf("usrsctp: associated\n");
    serve(s);
    return 0;
}
