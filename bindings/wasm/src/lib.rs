//! The edge to a wasm host: plain functions on pointers and lengths.
//!
//! Pointers are those that these functions gave, and are given back once: `frazil_alloc` by `frazil_free`, a world by
//! `frazil_world_free`, an answer by `frazil_answer_free`.

mod world;

pub use world::{Answer, Form, World};

use std::slice;

/// The bytes that a host wrote.
///
/// # Safety
/// `len` bytes from `at` on are readable, and stay as they are meanwhile; or `len` is 0.
unsafe fn bytes<'a>(at: *const u8, len: usize) -> &'a [u8] {
    // SAFETY: as the caller promises.
    if len == 0 { &[] } else { unsafe { slice::from_raw_parts(at, len) } }
}

/// Memory for a host to write `len` bytes into.
#[unsafe(no_mangle)]
pub extern "C" fn frazil_alloc(len: usize) -> *mut u8 {
    Box::into_raw(vec![0; len].into_boxed_slice()).cast()
}

/// Gives memory back.
///
/// # Safety
/// `at` is from `frazil_alloc(len)`, and not given back yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_free(at: *mut u8, len: usize) {
    // SAFETY: so it was made.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(at, len)) });
}

/// An empty world.
#[unsafe(no_mangle)]
pub extern "C" fn frazil_world_new() -> *mut World {
    Box::into_raw(Box::default())
}

/// Ends a world.
///
/// # Safety
/// `world` is from `frazil_world_new`, and not ended yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_world_free(world: *mut World) {
    // SAFETY: so it was made.
    drop(unsafe { Box::from_raw(world) });
}

/// Functions that take a world and two texts.
macro_rules! takes_two_texts {
    ($($(#[$doc:meta])* $name:ident($world:ident, $a:ident, $b:ident) -> $result:ty { $body:expr })*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// `world` is one that has not ended; both texts are readable memory of their lengths.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            world: *mut World, a: *const u8, a_len: usize, b: *const u8, b_len: usize,
        ) -> $result {
            // SAFETY: as the caller promises; no other function runs meanwhile, so nobody else has the world.
            let ($world, $a, $b) = unsafe { (&mut *world, bytes(a, a_len), bytes(b, b_len)) };
            $body
        }
    )*};
}

takes_two_texts! {
    /// Adds a file: path and contents.
    frazil_world_file(world, path, contents) -> () { world.with_host(|host| host.file(path, contents)) }
    /// Adds a file that its owner may execute.
    frazil_world_executable(world, path, contents) -> () { world.with_host(|host| host.executable(path, contents)) }
    /// Adds a symbolic link: path and target.
    frazil_world_link(world, path, target) -> () { world.with_host(|host| host.link(path, target)) }
    /// Sets a variable of the environment.
    frazil_world_env(world, name, value) -> () { world.with_host(|host| host.env(name, value)) }
    /// Adds an entry to the search path: name, which may be empty, and path.
    frazil_world_search(world, name, path) -> () { world.search.push((name.to_vec(), path.to_vec())) }
    /// Sets a setting of nix.conf; 1 if it could be.
    frazil_world_set(world, name, value) -> u32 {
        u32::from(world.set(&String::from_utf8_lossy(name), &String::from_utf8_lossy(value)))
    }
}

/// Evaluates a text to the bottom; `form` is 0 for Nix, 1 for XML, 2 for JSON.
///
/// # Safety
/// `world` is one that has not ended; `len` bytes from `text` on are readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_eval(
    world: *const World,
    text: *const u8,
    len: usize,
    form: u32,
) -> *mut Answer {
    // SAFETY: as the caller promises.
    let (world, text) = unsafe { (&*world, bytes(text, len)) };
    let form = match form {
        0 => Form::Plain,
        1 => Form::Xml,
        _ => Form::Json,
    };
    Box::into_raw(Box::new(world.eval(text, form)))
}

/// Evaluates a spec, which is JSON; the answer is the JSON of the value as data, or of the error.
///
/// # Safety
/// `len` bytes from `spec` on are readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_run(spec: *const u8, len: usize) -> *mut Answer {
    // SAFETY: as the caller promises.
    let spec = unsafe { bytes(spec, len) };
    Box::into_raw(Box::new(world::run(spec)))
}

/// 1 if an answer is a value, 0 if it is an error.
///
/// # Safety
/// `answer` is from `frazil_eval`, and not ended yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_answer_ok(answer: *const Answer) -> u32 {
    // SAFETY: as the caller promises.
    u32::from(unsafe { &*answer }.ok)
}

/// Where the text of an answer is, for as long as the answer.
///
/// # Safety
/// As of [`frazil_answer_ok`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_answer_text(answer: *const Answer) -> *const u8 {
    // SAFETY: as the caller promises.
    unsafe { &*answer }.text.as_ptr()
}

/// How many bytes the text of an answer has.
///
/// # Safety
/// As of [`frazil_answer_ok`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_answer_len(answer: *const Answer) -> usize {
    // SAFETY: as the caller promises.
    unsafe { &*answer }.text.len()
}

/// Ends an answer.
///
/// # Safety
/// As of [`frazil_answer_ok`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_answer_free(answer: *mut Answer) {
    // SAFETY: so it was made.
    drop(unsafe { Box::from_raw(answer) });
}
