/* libnice by itself: prints what the other side is to know, reads what it is to know of it, and sends back all data.
   Each side's part is lines of SDP that end with "end".
   Usage: nice controlling|controlled regular|aggressive ADDRESS */
#include <agent.h>
#include <stdio.h>
#include <string.h>

static guint stream;

static void received(NiceAgent *agent, guint id, guint component, guint length, gchar *data, gpointer user) {
    (void)user;
    nice_agent_send(agent, id, component, length, data);
}

static void state_changed(NiceAgent *agent, guint id, guint component, guint state, gpointer user) {
    (void)agent, (void)id, (void)component, (void)user;
    printf("state %s\n", nice_component_state_to_string(state));
}

static void gathered(NiceAgent *agent, guint id, gpointer user) {
    (void)id, (void)user;
    gchar *sdp = nice_agent_generate_local_sdp(agent);
    printf("%send\n", sdp);
    g_free(sdp);
}

static gboolean readable(GIOChannel *channel, GIOCondition condition, gpointer agent) {
    static GString *sdp;
    gchar *line;
    (void)condition;
    if (g_io_channel_read_line(channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) return FALSE;
    if (!sdp) sdp = g_string_new(NULL);
    if (!strcmp(line, "end\n")) {
        if (nice_agent_parse_remote_sdp(agent, sdp->str) < 0) printf("not understood: %s\n", sdp->str);
        g_string_truncate(sdp, 0);
    } else {
        g_string_append(sdp, line);
    }
    g_free(line);
    return TRUE;
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    int aggressive = !strcmp(arguments[2], "aggressive");
    NiceAgent *agent = nice_agent_new_full(g_main_loop_get_context(loop), NICE_COMPATIBILITY_RFC5245,
        aggressive ? 0 : NICE_AGENT_OPTION_REGULAR_NOMINATION);
    g_object_set(agent, "controlling-mode", !strcmp(arguments[1], "controlling"), "upnp", FALSE, "ice-tcp", FALSE, NULL);
    NiceAddress address;
    nice_address_init(&address);
    nice_address_set_from_string(&address, arguments[3]);
    nice_agent_add_local_address(agent, &address);
    stream = nice_agent_add_stream(agent, 1);
    nice_agent_set_stream_name(agent, stream, "application");
    g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(gathered), NULL);
    g_signal_connect(agent, "component-state-changed", G_CALLBACK(state_changed), NULL);
    nice_agent_attach_recv(agent, stream, 1, g_main_loop_get_context(loop), received, NULL);
    nice_agent_gather_candidates(agent, stream);
    g_io_add_watch(g_io_channel_unix_new(0), G_IO_IN, readable, agent);
    g_main_loop_run(loop);
    return 0;
}
