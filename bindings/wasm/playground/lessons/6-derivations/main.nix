let
  make = name: inputs: script:
    derivation {
      inherit name;
      system = "x86_64-linux";
      builder = "/bin/sh";
      args = [ "-c" script ];
      inherit inputs;
    };

  greeting = builtins.toFile "greeting" "Hello from a derivation";
  source = make "source" [ ] "cat ${greeting} > $out";
  library = make "library" [ source ] "cp ${source} $out";
  docs = make "docs" [ source ] "cp ${source} $out";
  app = make "app-1.0" [ library docs ] "cat ${library} ${docs} > $out";
in
{
  inherit app library docs;
}
