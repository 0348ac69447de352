# A machine that boots and answers ssh.
{ nixpkgs ? <nixpkgs> }:
(import (nixpkgs + "/nixos") {
  system = "x86_64-linux";
  configuration = {
    boot.loader.systemd-boot.enable = true;
    fileSystems."/" = { device = "/dev/vda2"; fsType = "ext4"; };
    fileSystems."/boot" = { device = "/dev/vda1"; fsType = "vfat"; };
    services.openssh.enable = true;
    users.users.operator = { isNormalUser = true; extraGroups = [ "wheel" ]; };
    system.stateVersion = "26.05";
  };
}).system
