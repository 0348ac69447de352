//! Hosts in memory and in layers say what a disk says.

use frazil::{
    Access, Cache, Engine, ErrorKind, FileKind, Guarded, Host, HostResult, Memory, Overlay, Stamp, Stamped,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The JSON of an expression, or the innermost message.
fn answer(host: impl Host + 'static, text: &str) -> String {
    let mut evaluator = Engine::builder().host(host).build().evaluator();
    evaluator
        .enter(|scope| {
            let v = scope.eval(text)?;
            scope.to_json(v, true)
        })
        .unwrap_or_else(|error: frazil::Error| error.message().to_owned())
}

#[test]
fn a_file_in_memory_is_no_directory() {
    let host = Memory::new().file("/a/file", "");
    assert_eq!(
        answer(host, "builtins.readDir /a/file"),
        r#"cannot read directory "/a/file": Not a directory"#
    );
}

#[test]
fn a_directory_hides_the_file_below() {
    let host = Overlay { upper: Memory::new().file("/a/b", ""), lower: Memory::new().file("/a", "") };
    assert_eq!(answer(host, "builtins.readDir /a"), r#"{"b":"regular"}"#);
}

#[test]
fn a_file_hides_the_directory_below() {
    let host = Overlay { upper: Memory::new().file("/a", ""), lower: Memory::new().file("/a/b", "") };
    assert_eq!(answer(host, "builtins.readDir /a"), r#"cannot read directory "/a": Not a directory"#);
}

/// Files that never change, and how often directories are listed.
struct Still(Memory, Arc<AtomicUsize>);

impl Host for Still {
    fn read_file(&self, path: &[u8]) -> HostResult<Arc<[u8]>> {
        self.0.read_file(path)
    }
    fn read_dir(&self, path: &[u8]) -> HostResult<Vec<(Vec<u8>, Option<FileKind>)>> {
        self.1.fetch_add(1, Relaxed);
        self.0.read_dir(path)
    }
    fn stamp(&self, _: &[u8], _: Stamped) -> Option<Stamp> {
        Some(Stamp([1, 2, 3, 4]))
    }
    fn kind(&self, path: &[u8]) -> HostResult<FileKind> {
        self.0.kind(path)
    }
    fn read_link(&self, path: &[u8]) -> HostResult<Vec<u8>> {
        self.0.read_link(path)
    }
    fn env(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn now(&self) -> i64 {
        0
    }
    fn clock(&self) -> u64 {
        0
    }
    fn message(&self, _: &str) {}
}

#[test]
fn a_kept_listing_is_an_input_and_asks_for_access() {
    #[expect(clippy::disallowed_methods, reason = "a cache is files")]
    let dir = std::env::temp_dir().join(format!("frazil-listings-{}", std::process::id()));
    let n_listed = Arc::new(AtomicUsize::new(0));
    let files = (0..30).fold(Memory::new(), |host, n| host.file(format!("/open/{n}/x"), ""));
    let engine = |access| {
        let host = Guarded::new(Still(files.clone(), n_listed.clone()), access);
        Engine::builder().host(host).cache(&Cache::new(&dir, 1 << 30)).build()
    };
    let text = "map (n: builtins.readDir (/open + \"/${toString n}\")) (builtins.genList (n: n) 30)";
    // The second evaluator asks for the first directory only.
    let seen = [30, 31].map(|total| {
        let mut evaluator = engine(Access::none().root("/open")).evaluator();
        let json = evaluator.enter(|scope| {
            let v = scope.eval(text)?;
            scope.to_json(v, true)
        });
        assert_eq!(n_listed.load(Relaxed), total);
        (json.expect("a value"), evaluator.inputs())
    });
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[1].1.directories.len(), 30);
    let mut evaluator = engine(Access::none().root("/open/1")).evaluator();
    let error = evaluator.eval("builtins.seq (builtins.readDir /open/1) (builtins.readDir /open/2)");
    assert_eq!(error.expect_err("it may not be seen").kind(), ErrorKind::Restricted);
    // What cannot be removed is left to the system's own cleaning of temporary files.
    #[expect(clippy::disallowed_methods, reason = "a cache is files")]
    let _ = std::fs::remove_dir_all(&dir);
}

#[test]
fn what_lies_above_has_no_stamp_below() {
    let upper = Memory::new().file("/a/upper", "1");
    let lower = Still(Memory::new().file("/a/lower", "2").file("/b/c", "3"), Arc::default());
    let host = Overlay { upper, lower };
    let stamp = |path: &str, of| host.stamp(path.as_bytes(), of).is_some();
    assert_eq!(["/a/upper", "/a/lower", "/b/c"].map(|path| stamp(path, Stamped::Text)), [false, true, true]);
    assert_eq!(["/a", "/b"].map(|path| stamp(path, Stamped::Listing)), [false, true]);
}
