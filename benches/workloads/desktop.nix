# A Plasma workstation: a large closure, many small option sets, one overlay.
{ nixpkgs ? <nixpkgs> }:
(import (nixpkgs + "/nixos") {
  system = "x86_64-linux";
  configuration = { pkgs, ... }: {
    boot.loader.systemd-boot.enable = true;
    fileSystems."/" = { device = "/dev/disk/by-label/nixos"; fsType = "ext4"; };
    networking.hostName = "workstation";
    networking.networkmanager.enable = true;
    services.displayManager.sddm.enable = true;
    services.desktopManager.plasma6.enable = true;
    services.pipewire = { enable = true; pulse.enable = true; };
    services.printing.enable = true;
    programs.git.enable = true;
    environment.systemPackages = with pkgs; [ firefox thunderbird vlc hello ];
    nixpkgs.overlays = [ (final: prev: { hello = prev.hello.overrideAttrs { doCheck = false; }; }) ];
    users.users.erin.isNormalUser = true;
    system.stateVersion = "26.05";
  };
}).system
