final: previous: {
  library = previous.library // { version = previous.library.version + "-patched"; };
}
