let
  lib = import <nixpkgs/lib>;
  system = lib.evalModules {
    modules = [
      ./web.nix
      { services.web.enable = true; }
      { services.web.hosts = [ "a.example" ]; }
      { services.web.hosts = lib.mkAfter [ "b.example" ]; services.web.port = lib.mkForce 8443; }
    ];
  };
in
{
  inherit (system.config.services) web;
  inherit (system.config) firewall;
}
