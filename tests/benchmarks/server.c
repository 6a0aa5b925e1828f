/* A minimal HTTP/1.1 server for benchmarks: one thread, epoll, keep-alive, a fixed answer.
 *
 *   server PORT DELAY_US LOGFILE
 *
 * With a delay it answers that long after the request has arrived, in the order of arrival. With a log file it writes,
 * when it ends, one line per request: arrival and answer, in nanoseconds of CLOCK_MONOTONIC. It prints the port it
 * listens on.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MOST_FDS 65536
#define MOST_LOGGED (1 << 22)
#define QUEUE (1 << 16)

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n"
                             "{\"predictions\":[0.25]}";

struct pending { int fd; int64_t arrived; };
static struct pending queue[QUEUE];
static unsigned head, tail;
static int body_left[MOST_FDS];
static int64_t (*records)[2];
static int logged;
static volatile sig_atomic_t ending;

static void on_signal(int number) { (void)number; ending = 1; }

static int64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void answer(int fd, int64_t arrived) {
    int64_t at = now();
    if (send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) < 0) return;
    if (records && logged < MOST_LOGGED) { records[logged][0] = arrived; records[logged][1] = at; logged++; }
}

/* Requests in `data`: bodies are skipped by their Content-Length; a head never spans two reads on loopback. */
static int requests(int fd, char *data, int length) {
    int found = 0, at = 0;
    if (body_left[fd] > 0) {
        at = body_left[fd] < length ? body_left[fd] : length;
        body_left[fd] -= at;
        if (body_left[fd] == 0) found++;
    }
    while (at < length) {
        char *end = memmem(data + at, length - at, "\r\n\r\n", 4);
        if (!end) break;
        char saved = *end;
        *end = 0;
        char *size = strcasestr(data + at, "\r\ncontent-length:");
        int body = size ? atoi(size + 17) : 0;
        *end = saved;
        at = (int)(end + 4 - data);
        if (length - at >= body) { at += body; found++; }
        else { body_left[fd] = body - (length - at); at = length; }
    }
    return found;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 0;
    int64_t delay = argc > 2 ? atoll(argv[2]) * 1000 : 0;
    const char *path = argc > 3 && argv[3][0] ? argv[3] : NULL;
    if (path) records = malloc(sizeof(int64_t[2]) * MOST_LOGGED);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) { perror("listen"); return 1; }
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    int poll = epoll_create1(0), alarm = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = alarm;
    epoll_ctl(poll, EPOLL_CTL_ADD, alarm, &event);
    static char data[1 << 16];
    while (!ending) {
        int count = epoll_wait(poll, events, 256, 100);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int peer;
                while ((peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    if (peer >= MOST_FDS) { close(peer); continue; }
                    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    body_left[peer] = 0;
                    event.events = EPOLLIN;
                    event.data.fd = peer;
                    epoll_ctl(poll, EPOLL_CTL_ADD, peer, &event);
                }
            } else if (fd == alarm) {
                uint64_t rings;
                (void)!read(alarm, &rings, 8);
            } else {
                int length = recv(fd, data, sizeof data - 1, 0);
                if (length <= 0) {
                    if (length == 0 || errno != EAGAIN) close(fd);
                    continue;
                }
                int64_t arrived = now();
                for (int left = requests(fd, data, length); left > 0; left--) {
                    if (delay) { queue[tail++ % QUEUE] = (struct pending){fd, arrived}; }
                    else answer(fd, arrived);
                }
            }
        }
        if (delay) {
            int64_t at = now();
            while (head != tail && queue[head % QUEUE].arrived + delay <= at) {
                answer(queue[head % QUEUE].fd, queue[head % QUEUE].arrived);
                head++;
            }
            if (head != tail) {
                int64_t due = queue[head % QUEUE].arrived + delay;
                struct itimerspec spec = {.it_value = {due / 1000000000LL, due % 1000000000LL}};
                timerfd_settime(alarm, TFD_TIMER_ABSTIME, &spec, NULL);
            }
        }
    }
    if (path) {
        FILE *file = fopen(path, "w");
        for (int i = 0; i < logged; i++) fprintf(file, "%lld %lld\n", (long long)records[i][0], (long long)records[i][1]);
        fclose(file);
    }
    return 0;
}
