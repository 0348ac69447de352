let
  compose = overlays: base:
    let
      final = builtins.foldl' (previous: overlay: previous // overlay final previous) (base final) overlays;
    in
    final;

  packages = final: {
    library = { name = "library"; version = "1.0"; };
    app = { name = "app"; uses = "${final.library.name} ${final.library.version}"; };
  };
in
{
  before = (compose [ ] packages).app.uses;
  after = (compose [ (import ./patched.nix) (final: previous: { tool = "made for ${final.app.name}"; }) ] packages);
}
