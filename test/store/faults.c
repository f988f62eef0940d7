/*
 * What a process asks of the disk, under the test's control: loaded before the C library, it counts the calls that
 * change a folder, and has one of them fail, or end the process, or writes all of them down.
 *
 *   cc -shared -fPIC -o faults.so faults.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { FAIL_ONE, FAIL_ALL, KILL_BEFORE, KILL_WITHIN };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char folder[4096];
static long count, target;
static int action, error_number;
static int journal = -1;

/* Counts from here on; the `at`-th call meets its fate. 0 is never reached. */
void faults_arm(const char *in, long at, int what, int number) {
  pthread_mutex_lock(&mutex);
  snprintf(folder, sizeof folder, "%s", in);
  count = 0, target = at, action = what, error_number = number;
  pthread_mutex_unlock(&mutex);
}

long faults_count(void) { return count; }

/* Writes every call down in a file from here on. */
void faults_record(const char *in, const char *path) {
  static int (*real_open)(const char *, int, ...);
  real_open = dlsym(RTLD_NEXT, "open");
  snprintf(folder, sizeof folder, "%s", in);
  journal = real_open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static int is_ours(const char *path) { return *folder && strncmp(path, folder, strlen(folder)) == 0; }

static int path_of(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  path[length < 0 ? 0 : length] = 0;
  return is_ours(path);
}

/* Whether the call is to fail; does not return if it is to end the process. */
static int is_fatal(int is_write, int *is_torn) {
  count++;
  *is_torn = 0;
  if (target == 0 || count < target || (action != FAIL_ALL && count > target)) return 0;
  if (action == KILL_WITHIN && is_write) return *is_torn = 1;
  if (action == KILL_BEFORE || action == KILL_WITHIN) kill(getpid(), SIGKILL);
  errno = error_number;
  return 1;
}

/* A record: kind, lengths, offset, then path, second path or data. */
static void record(char kind, const char *path, const void *data, uint64_t length, int64_t offset) {
  if (journal < 0) return;
  struct { uint64_t kind, path, length; int64_t offset; } head = {kind, strlen(path), length, offset};
  ssize_t (*real_write)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  if (real_write(journal, &head, sizeof head) < 0 || real_write(journal, path, head.path) < 0) abort();
  for (uint64_t done = 0; done < length;) {
    ssize_t n = real_write(journal, (const char *)data + done, length - done);
    if (n < 0) abort();
    done += n;
  }
}

/* The acknowledgement of what came before it. */
void faults_mark(long number) {
  pthread_mutex_lock(&mutex);
  record('k', "", NULL, 0, number);
  pthread_mutex_unlock(&mutex);
}

#define REAL(type, name, ...)                      \
  static type (*real)(__VA_ARGS__);                \
  if (!real) real = dlsym(RTLD_NEXT, name);

static int guarded_open(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  struct stat status;
  if (!(flags & O_CREAT) || !is_ours(path)) return real(path, flags, mode);
  pthread_mutex_lock(&mutex);
  int torn, result = -1, is_new = stat(path, &status) != 0;
  if (!is_new || !is_fatal(0, &torn)) {
    result = real(path, flags, mode);
    if (result >= 0 && is_new) record('c', path, NULL, 0, 0);
  }
  pthread_mutex_unlock(&mutex);
  return result;
}

#define OPEN(name)                                                                       \
  int name(const char *path, int flags, ...) {                                           \
    REAL(int, #name, const char *, int, ...)                                             \
    va_list rest;                                                                        \
    va_start(rest, flags);                                                               \
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                            \
    va_end(rest);                                                                        \
    return guarded_open(real, path, flags, mode);                                        \
  }
OPEN(open)
OPEN(open64)

static ssize_t guarded_write(int fd, const void *data, size_t length, off64_t offset, int is_positioned) {
  static ssize_t (*real_write)(int, const void *, size_t);
  static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
  if (!real_write) real_write = dlsym(RTLD_NEXT, "write"), real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  char path[4096];
  if (!*folder || !path_of(fd, path, sizeof path))
    return is_positioned ? real_pwrite(fd, data, length, offset) : real_write(fd, data, length);
  pthread_mutex_lock(&mutex);
  int torn;
  ssize_t result = -1;
  int fatal = is_fatal(1, &torn);
  if (!is_positioned) offset = lseek64(fd, 0, SEEK_CUR);
  if (!fatal || torn) {
    size_t amount = torn ? length / 2 : length;
    result = is_positioned ? real_pwrite(fd, data, amount, offset) : real_write(fd, data, amount);
    if (torn) kill(getpid(), SIGKILL);
    if (result > 0) record('w', path, data, result, offset);
  }
  int saved = errno;
  pthread_mutex_unlock(&mutex);
  errno = saved;
  return result;
}

ssize_t write(int fd, const void *data, size_t length) { return guarded_write(fd, data, length, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return guarded_write(fd, data, length, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) { return guarded_write(fd, data, length, at, 1); }

#define ON_FD(name, kind)                                                                \
  int name(int fd) {                                                                     \
    REAL(int, #name, int)                                                                \
    char path[4096];                                                                     \
    if (!*folder || !path_of(fd, path, sizeof path)) return real(fd);                    \
    pthread_mutex_lock(&mutex);                                                          \
    int torn, result = -1;                                                               \
    if (!is_fatal(0, &torn) && (result = real(fd)) == 0) record(kind, path, NULL, 0, 0); \
    int saved = errno;                                                                   \
    pthread_mutex_unlock(&mutex);                                                        \
    errno = saved;                                                                       \
    return result;                                                                       \
  }
ON_FD(fsync, 's')
ON_FD(fdatasync, 's')

#define TRUNCATE(name, type)                                                             \
  int name(int fd, type size) {                                                          \
    REAL(int, #name, int, type)                                                          \
    char path[4096];                                                                     \
    if (!*folder || !path_of(fd, path, sizeof path)) return real(fd, size);              \
    pthread_mutex_lock(&mutex);                                                          \
    int torn, result = -1;                                                               \
    if (!is_fatal(0, &torn) && (result = real(fd, size)) == 0)                           \
      record('t', path, NULL, 0, size);                                                  \
    int saved = errno;                                                                   \
    pthread_mutex_unlock(&mutex);                                                        \
    errno = saved;                                                                       \
    return result;                                                                       \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *)
  if (!is_ours(from)) return real(from, to);
  pthread_mutex_lock(&mutex);
  int torn, result = -1;
  if (!is_fatal(0, &torn) && (result = real(from, to)) == 0) record('r', from, to, strlen(to), 0);
  int saved = errno;
  pthread_mutex_unlock(&mutex);
  errno = saved;
  return result;
}

int unlink(const char *path) {
  REAL(int, "unlink", const char *)
  if (!is_ours(path)) return real(path);
  pthread_mutex_lock(&mutex);
  int torn, result = -1;
  if (!is_fatal(0, &torn) && (result = real(path)) == 0) record('u', path, NULL, 0, 0);
  int saved = errno;
  pthread_mutex_unlock(&mutex);
  errno = saved;
  return result;
}
