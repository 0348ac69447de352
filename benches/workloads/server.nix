# A mail and web host: generated virtual hosts, many units, one container.
{ nixpkgs ? <nixpkgs> }:
(import (nixpkgs + "/nixos") {
  system = "x86_64-linux";
  configuration = { pkgs, lib, ... }: {
    boot.loader.grub.device = "/dev/sda";
    fileSystems."/" = { device = "/dev/sda1"; fsType = "xfs"; };
    networking.firewall.allowedTCPPorts = [ 25 80 ];
    services.postfix.enable = true;
    services.nginx = {
      enable = true;
      virtualHosts = lib.genAttrs (lib.genList (n: "host-${toString n}.example.org") 25) (name: {
        root = "/srv/${name}";
        locations."/api".proxyPass = "http://127.0.0.1:9000";
      });
    };
    services.mysql = { enable = true; package = pkgs.mariadb; };
    services.prometheus.exporters.node.enable = true;
    systemd.timers = lib.listToAttrs (lib.genList (n: lib.nameValuePair "sweep-${toString n}" {
      wantedBy = [ "timers.target" ];
      timerConfig.OnCalendar = "daily";
    }) 25);
    containers.cache = { autoStart = true; config = { services.redis.servers.main.enable = true; system.stateVersion = "26.05"; }; };
    system.stateVersion = "26.05";
  };
}).system
