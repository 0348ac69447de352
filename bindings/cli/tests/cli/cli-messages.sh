. lang/lib.sh
# Tabs are blanks up to the next eighth column of the whole message, and what steers a terminal is left out.
eq "$($ni --eval -E 'builtins.trace "a	b" 1' 2>&1 >&-)" 'trace: a        b'
eq "$($ni --eval -E $'builtins.trace "a\\rb\e[31mc" 1' 2>&1 >&-)" 'trace: abc'
# Bytes that are no characters stay.
eq "$($ni --eval -E $'builtins.trace "\xff" 1' 2>&1 >&-)" $'trace: \xff'
eq "$($ni --eval -E 'builtins.warn "a\nb" 1' 2>&1 >&-)" $'evaluation warning: a\n                    b'
err "Try 'nix-instantiate --help' for more information." $ni --eval -E 'builtins.hashString "foo" ""'
err 'while evaluating the file' $ni --eval -E "import $(echo 'throw "x"' > $tmp/f.nix; echo $tmp/f.nix)"
# What the system refuses is told by what was being done.
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' $tmp/socket
err "error: opening file '$tmp/socket': No such device or address" $ni --eval -E "import $tmp/socket"
ln -s loop $tmp/loop
err "error: infinite symlink recursion in path '$tmp/loop/x'" $ni --eval -E "builtins.readDir $tmp/loop/x"
long=$(printf 'a%.0s' {1..300})
err "error: getting status of \"$tmp/$long\": File name too long" $ni --eval -E "builtins.readFileType $tmp/$long"
