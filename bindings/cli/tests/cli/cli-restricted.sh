. lang/lib.sh
mkdir $tmp/in $tmp/out
echo 1 > $tmp/in/a.nix
echo 'import ../out/b.nix' > $tmp/in/b.nix
echo 2 > $tmp/out/b.nix
ln -s ../out/b.nix $tmp/in/link.nix
r="$ni --eval --restrict-eval -I $tmp/in"
eq "$($r -E "import $tmp/in/a.nix")" 1
err "access to absolute path '$tmp/out/b.nix' is forbidden in restricted mode" $r -E "import $tmp/in/b.nix"
err "access to absolute path '$tmp/out/b.nix' is forbidden in restricted mode" $r -E "import $tmp/in/link.nix"
eq "$($r --strict -E "builtins.readDir $tmp")" '{ "in" = "directory"; }'
eq "$($r -E "builtins.pathExists $tmp/out/b.nix")" false
err "access to URI 'http://x.y/' is forbidden in restricted mode" $r -E 'builtins.fetchurl "http://x.y/"'
err "invalid store path name" $r --allowed-uris http://x.y -E 'builtins.fetchurl "http://x.y/a b"'
err "the path '~/x' can not be resolved in pure mode" $ni --eval --pure-eval -E '~/x'
