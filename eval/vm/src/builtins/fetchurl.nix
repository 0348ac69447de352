# A fixed-output derivation that the builder inside of Nix fetches. Its attributes are those that
# `<nix/fetchurl.nix>` has always had, since each of them is part of the derivation's hash.
{
  url,
  hash ? "",
  sha512 ? "",
  sha256 ? "",
  sha1 ? "",
  md5 ? "",
  name ? baseNameOf (toString url),
  executable ? false,
  unpack ? false,
  impure ? false,
  system ? "",
  # The strongest of the hashes that are given; an SRI hash names its algorithm itself.
  outputHash ?
    builtins.head (
      builtins.filter (given: given != "") [ hash sha512 sha1 md5 ] ++ [ sha256 ]
    ),
  outputHashAlgo ?
    if hash != "" then ""
    else if sha512 != "" then "sha512"
    else if sha1 != "" then "sha1"
    else if md5 != "" then "md5"
    else "sha256",
}:
let
  common = {
    inherit name url executable unpack;
    urls = [ url ];
    builder = "builtin:fetchurl";
    system = "builtin";
    outputHashMode = if unpack || executable then "recursive" else "flat";
    preferLocalBuild = true;
    impureEnvVars = [ "http_proxy" "https_proxy" "ftp_proxy" "all_proxy" "no_proxy" ];
  };
in
derivation (common // (if impure then { __impure = true; } else { inherit outputHash outputHashAlgo; }))
