# Runs "$@" and answers for it.
#   stdin   a pipe from the parent: each line is a signal to pass on; its end means that the
#           parent is gone, however it went, and takes the whole process group with it
#   stdout  to the parent: "started PID", then "ended CODE" (128 + N when signal N ended it)
#   stderr  the output of the program, both streams
exec 3<&0 4>&1 </dev/null 1>&2
"$@" 3<&- 4>&- &
child=$!
(
    exec 4>&-
    while read -r signal <&3; do
        kill -s "$signal" "$child"
    done
    kill -s KILL 0
) 2>/dev/null >&2 &
watcher=$!
exec 3<&- 1>/dev/null 2>&1
echo "started $child" >&4
wait "$child"
code=$?
kill -s KILL "$watcher"
wait "$watcher"
echo "ended $code" >&4
