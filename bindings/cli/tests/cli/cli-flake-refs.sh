. lang/lib.sh
ni="$ni --extra-experimental-features flakes --eval --strict"
eq "$($ni -E 'builtins.parseFlakeRef "git+ssh://git@github.com/a/b?ref=x&dir=y"')" \
  '{ dir = "y"; ref = "x"; type = "git"; url = "ssh://git@github.com/a/b"; }'
eq "$($ni -E 'builtins.parseFlakeRef "https://x/%41%2f.tar?a=b%20c"')" '{ type = "tarball"; url = "https://x/A%2F.tar?a=b%20c"; }'
eq "$($ni -E 'builtins.flakeRefToString { type = "path"; path = "/a b"; lastModified = 5; }')" '"path:/a%20b?lastModified=5"'
eq "$($ni -E 'builtins.flakeRefToString { type = "git"; url = "git@github.com:a/b"; shallow = true; }')" \
  '"git+ssh://git@github.com/a/b?shallow=1"'
err "input attribute 'foo' not supported by scheme 'path'" $ni -E 'builtins.fetchTree { type = "path"; foo = 1; }'
err "'a b' is not a valid URL: leftover" $ni -E 'builtins.fetchTree "a b"'
err "hash 'zz' has wrong length for hash algorithm 'sha1'" $ni -E 'builtins.fetchTree "github:a/b?rev=zz"'
err 'tarball "/nope.tar.gz" does not exist.' $ni -E 'builtins.fetchTarball "file:///nope.tar.gz"'
err "in pure evaluation mode, 'fetchTarball' requires a 'sha256' argument" $ni --pure-eval -E 'fetchTarball "http://x.y/z"'
