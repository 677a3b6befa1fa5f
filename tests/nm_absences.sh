#!/bin/sh
# What a module must not know, read from its compiled archive: nm_absences.sh RULE ARCHIVE
#
#   core  calls no clock, socket, thread, sleep, file, log or stream (time is an argument; a mutex is allowed)
#   http  calls no socket and names none of Asio
#   net   names no policy
#   lab   names nothing of the proxy
#
# Exit: 0 absent, 1 found (the symbols and the object that names them are printed), 2 bad usage, 77 no such archive yet.
set -eu

if [ $# -ne 2 ]; then
  echo "usage: nm_absences.sh core|http|net|lab ARCHIVE" >&2
  exit 2
fi
rule=$1
archive=$2

clocks='^(clock_gettime|clock_nanosleep|gettimeofday|time|times|ftime|nanosleep|usleep|sleep|timer_create)(@|$)|::(steady_clock|system_clock|high_resolution_clock)::now[(]|^quoll::(steady_now|wall_now|random_seed)[(]'
sockets='^(socket|socketpair|connect|bind|listen|accept|accept4|send|sendto|sendmsg|recv|recvfrom|recvmsg|setsockopt|getsockopt|shutdown|poll|ppoll|select|epoll_.*|getaddrinfo)(@|$)|^boost::asio::'
threads='^(pthread_create|pthread_join|pthread_detach|pthread_cond_.*|fork|clone)(@|$)|^std::(thread|jthread|this_thread|condition_variable)'
streams='^(printf|fprintf|vprintf|vfprintf|puts|putchar|fputs|fputc|fwrite|fopen|open|open64|write|read|syslog|stdout|stderr)(@|$)|^std::(cout|cerr|clog|basic_ostream|basic_istream|basic_iostream|basic_streambuf|basic_filebuf|ostream|ios_base::Init|__ostream_insert)|^(spdlog|fmt)::'

# undefined: what the archive calls elsewhere; all: what it names at all.
case $rule in
  core) symbols=undefined pattern="$clocks|$sockets|$threads|$streams" ;;
  http) symbols=undefined pattern="$sockets" ;;
  net) symbols=all pattern='quoll::core::|quoll::proxy::' ;;
  lab) symbols=all pattern='quoll::proxy::' ;;
  *)
    echo "nm_absences: no rule '$rule'; known: core, http, net, lab" >&2
    exit 2
    ;;
esac

if [ ! -f "$archive" ]; then
  echo "nm_absences: skipped: $archive does not exist"
  exit 77
fi

# One symbol a line, after its object's name: "breaker.cc.o: clock_gettime".
list() {
  if [ "$symbols" = undefined ]; then nm -uC "$archive"; else nm -C "$archive"; fi 2>/dev/null |
    sed -n -e 's/^\(.*\.o\):$/=\1/p' -e 's/^ *[0-9a-f]* *[A-Za-z] \(.*\)$/\1/p'
}

if [ -z "$(list | grep -v '^=' | head -n 1)" ]; then
  echo "nm_absences: $archive has no symbols; is it an archive of objects?" >&2
  exit 1
fi
found=$(list | awk -v pattern="$pattern" '/^=/ {object = substr($0, 2); next} $0 ~ pattern {print "  " object ": " $0}' | sort -u)
if [ -n "$found" ]; then
  echo "nm_absences: $archive breaks the rule of $rule:"
  echo "$found"
  exit 1
fi
echo "nm_absences: $archive keeps the rule of $rule"
