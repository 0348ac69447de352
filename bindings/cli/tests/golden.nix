# Answers for the attribute paths numbered `from` to `to` of the JSON file `paths`, each traced as soon as it is known,
# so that an evaluation that stops at one of them has still given those before it.
{ nixpkgs, paths, from, to }:
let
  pkgs = import nixpkgs {
    system = "x86_64-linux";
    overlays = [ ];
    config = { allowAliases = false; allowUnfree = true; };
  };
  all = builtins.fromJSON (builtins.readFile paths);
  answer = path:
    let value = builtins.foldl' (set: name: set.${name}) pkgs path; in
    if builtins.isAttrs value && value.type or "" == "derivation" then
      builtins.unsafeDiscardStringContext value.drvPath
    else
      "not-a-derivation";
  one = index:
    let tried = builtins.tryEval (answer (builtins.elemAt all index)); in
    builtins.seq tried.success
      (builtins.trace "golden ${toString index} ${if tried.success then tried.value else "throws"}" null);
in
builtins.foldl' (before: index: builtins.seq (one index) null) null (builtins.genList (n: from + n) (to - from))
