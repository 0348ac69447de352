{ lib, config, ... }:
let
  cfg = config.services.web;
in
{
  options = {
    services.web = {
      enable = lib.mkEnableOption "the web server";
      port = lib.mkOption { type = lib.types.port; default = 80; };
      hosts = lib.mkOption { type = lib.types.listOf lib.types.str; default = [ ]; };
    };
    firewall = lib.mkOption { type = lib.types.listOf lib.types.port; default = [ ]; };
  };
  config = lib.mkIf cfg.enable {
    services.web.port = 8080;
    firewall = [ 22 cfg.port ];
  };
}
