//! Frazil for C: opaque handles, errors as objects, texts as JSON. No panic crosses the edge, which is `unsafe` by nature.
#![expect(non_camel_case_types, reason = "the names are C's")]

use frazil::{Disk, Error, ErrorKind, EvalSpec, Options, Root, Session, Source, Type};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// An evaluator that is being set up.
pub struct frazil_builder(frazil::Builder);
/// An evaluator.
pub struct frazil_evaluator(Session);
/// A value of an evaluator, which may not be evaluated yet. It keeps what it needs of its evaluator alive.
pub struct frazil_value(Root);
/// A walk over jobs.
pub struct frazil_jobs {
    session: Session,
    jobs: Mutex<frazil::Jobs>,
}
/// Why something failed.
pub struct frazil_error {
    code: CString,
    message: CString,
    rendered: CString,
    file: Option<CString>,
    line: u32,
    column: u32,
    start: u32,
    end: u32,
    json: CString,
}
/// Where a function of yours puts its answer.
pub struct frazil_answer(Result<Vec<u8>, String>);

/// What a value is.
#[repr(C)]
pub enum frazil_kind {
    /// Not evaluated yet.
    FRAZIL_THUNK,
    /// `null`
    FRAZIL_NULL,
    /// A Boolean.
    FRAZIL_BOOL,
    /// An integer.
    FRAZIL_INT,
    /// A float.
    FRAZIL_FLOAT,
    /// A string.
    FRAZIL_STRING,
    /// A path.
    FRAZIL_PATH,
    /// A list.
    FRAZIL_LIST,
    /// A set.
    FRAZIL_SET,
    /// A function.
    FRAZIL_FUNCTION,
    /// Anything else.
    FRAZIL_EXTERNAL,
}

/// A function of yours: it is given your data and the JSON list of its arguments, and calls `frazil_answer_set` or
/// `frazil_answer_fail`. It runs on the thread that evaluates, and must not use the evaluator that calls it.
pub type frazil_function =
    Option<extern "C" fn(data: *mut c_void, arguments: *const c_char, answer: *mut frazil_answer)>;

/// A text without zero bytes, which none of Nix's has.
fn text(text: impl Into<Vec<u8>>) -> CString {
    let mut bytes: Vec<u8> = text.into();
    bytes.retain(|&byte| byte != 0);
    CString::new(bytes).unwrap_or_default()
}

impl frazil_error {
    fn new(error: &Error) -> frazil_error {
        let position = error.position();
        frazil_error {
            code: text(error.code()),
            message: text(error.message()),
            rendered: text(error.render()),
            file: position.map(|position| text(position.file.as_str())),
            start: error.span().map_or(0, |span| span.start),
            end: error.span().map_or(0, |span| span.end),
            line: position.map_or(0, |position| position.line),
            column: position.map_or(0, |position| position.column),
            json: text(serde_json::to_string(error).unwrap_or_default()),
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Type, message)
}

/// Does work behind the edge: its error, or its panic, goes to `error`, and `failed` is the answer.
fn guard<R>(error: *mut *mut frazil_error, failed: R, work: impl FnOnce() -> Result<R, Error>) -> R {
    let answer = catch_unwind(AssertUnwindSafe(work));
    let answer = answer.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "a mistake of Frazil's own")));
    answer.unwrap_or_else(|reason| {
        if !error.is_null() {
            // SAFETY: the caller's promise: NULL, or a place for a pointer.
            unsafe { *error = Box::into_raw(Box::new(frazil_error::new(&reason))) };
        }
        failed
    })
}

/// What a handle stands for.
///
/// # Safety
/// NULL, or a pointer that one of this library's functions answered and none has ended.
unsafe fn handle<'a, T>(pointer: *const T) -> Result<&'a T, Error> {
    // SAFETY: as the caller promises.
    unsafe { pointer.as_ref() }.ok_or_else(|| invalid("a handle is NULL"))
}

/// A text of the caller's.
///
/// # Safety
/// NULL, or a text that ends with a zero byte and lives as long as the call.
unsafe fn string<'a>(pointer: *const c_char) -> Result<&'a str, Error> {
    if pointer.is_null() {
        return Err(invalid("a text is NULL"));
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(pointer) }.to_str().map_err(|_| invalid("a text is not UTF-8"))
}

/// An optional text of the caller's, or what stands for it.
///
/// # Safety
/// As of [`string`].
unsafe fn string_or(pointer: *const c_char, default: &str) -> Result<&str, Error> {
    // SAFETY: as the caller promises.
    if pointer.is_null() { Ok(default) } else { unsafe { string(pointer) } }
}

fn given<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Ends what a handle stands for; NULL is nothing.
///
/// # Safety
/// As of [`handle`]; nobody uses it any more.
unsafe fn end<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // A panic here would be a destructor's; there is nobody to tell.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: it was made by `given`, and the caller promises that it has not ended.
            drop(unsafe { Box::from_raw(pointer) });
        }));
    }
}

/// The version of this library.
#[unsafe(no_mangle)]
pub extern "C" fn frazil_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

// ---- evaluators -------------------------------------------------------------------------------------------

/// An evaluator to be set up, by options as JSON; NULL for none.
///
/// # Safety
/// Texts and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_builder_new(
    options: *const c_char,
    error: *mut *mut frazil_error,
) -> *mut frazil_builder {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let options = unsafe { string_or(options, "{}") }?;
        let options: Options = serde_json::from_str(options).map_err(|error| invalid(error.to_string()))?;
        Ok(given(frazil_builder(options.builder()?)))
    })
}

/// Your data, which the evaluator only hands back.
struct UserData(*mut c_void);
// SAFETY: the library does not look behind the pointer; the header says that the function runs on any thread.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    fn pointer(&self) -> *mut c_void {
        self.0
    }
}

/// Puts a function of yours into scope everywhere, which takes from 1 to 8 arguments. 0, or -1 if it cannot be.
///
/// # Safety
/// Handles, texts and places are as this library's header says; `data` is valid as long as the evaluator, on any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_builder_function(
    builder: *mut frazil_builder,
    name: *const c_char,
    arity: usize,
    function: frazil_function,
    data: *mut c_void,
    error: *mut *mut frazil_error,
) -> c_int {
    guard(error, -1, || {
        // SAFETY: the caller's promise.
        let (builder, name) = unsafe { (builder.as_mut(), string(name)?) };
        let builder = builder.ok_or_else(|| invalid("a handle is NULL"))?;
        let function = function.ok_or_else(|| invalid("the function is NULL"))?;
        if !(1..=frazil::MAX_ARITY).contains(&arity) {
            return Err(invalid(format!("a function takes from 1 to {} arguments", frazil::MAX_ARITY)));
        }
        let data = UserData(data);
        let run = move |arguments: &[u8]| {
            let arguments = text(arguments);
            let mut answer = frazil_answer(Err("the function gave no answer".to_owned()));
            function(data.pointer(), arguments.as_ptr(), &raw mut answer);
            answer.0
        };
        let old = std::mem::replace(&mut builder.0, frazil::Engine::builder());
        builder.0 = old.json_function(name, arity, run);
        Ok(0)
    })
}

/// The answer of a function of yours, as JSON. 0, or -1 if it is none.
///
/// # Safety
/// `answer` is what the function was given, during its call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_answer_set(answer: *mut frazil_answer, json: *const c_char) -> c_int {
    guard(std::ptr::null_mut(), -1, || {
        // SAFETY: the caller's promise.
        let (answer, json) = unsafe { (answer.as_mut(), string(json)?) };
        answer.ok_or_else(|| invalid("a handle is NULL"))?.0 = Ok(json.as_bytes().to_vec());
        Ok(0)
    })
}

/// Says that a function of yours failed, and why.
///
/// # Safety
/// As of `frazil_answer_set`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_answer_fail(answer: *mut frazil_answer, message: *const c_char) -> c_int {
    guard(std::ptr::null_mut(), -1, || {
        // SAFETY: the caller's promise.
        let (answer, message) = unsafe { (answer.as_mut(), string(message)?) };
        answer.ok_or_else(|| invalid("a handle is NULL"))?.0 = Err(message.to_owned());
        Ok(0)
    })
}

/// The evaluator; the builder ends, also if there is none.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_builder_build(
    builder: *mut frazil_builder,
    error: *mut *mut frazil_error,
) -> *mut frazil_evaluator {
    guard(error, std::ptr::null_mut(), || {
        if builder.is_null() {
            return Err(invalid("a handle is NULL"));
        }
        // SAFETY: it was made by `given`, and the caller hands it back.
        let builder = unsafe { Box::from_raw(builder) };
        Ok(given(frazil_evaluator(builder.0.build().session())))
    })
}

/// An evaluator by options as JSON; NULL for none.
///
/// # Safety
/// Texts and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_evaluator_new(
    options: *const c_char,
    error: *mut *mut frazil_error,
) -> *mut frazil_evaluator {
    // SAFETY: the caller's promise.
    let builder = unsafe { frazil_builder_new(options, error) };
    if builder.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: it was just made.
    unsafe { frazil_builder_build(builder, error) }
}

/// Stops the evaluation at work, from any thread.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_evaluator_cancel(evaluator: *const frazil_evaluator) {
    guard(std::ptr::null_mut(), (), || {
        // SAFETY: the caller's promise.
        unsafe { handle(evaluator) }?.0.cancel();
        Ok(())
    });
}

/// Ends an evaluator. Its values live on as long as you keep them.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_evaluator_free(evaluator: *mut frazil_evaluator) {
    // SAFETY: the caller's promise.
    unsafe { end(evaluator) }
}

/// The value of a text, whose relative paths start from `base`, or from `/` if that is NULL.
///
/// # Safety
/// Handles, texts and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_eval(
    evaluator: *const frazil_evaluator,
    program: *const c_char,
    base: *const c_char,
    error: *mut *mut frazil_error,
) -> *mut frazil_value {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let (evaluator, program, base) =
            unsafe { (handle(evaluator)?, string(program)?, string_or(base, "/")?) };
        evaluator.0.eval(Source::text(program, Disk::to_nix(base)?)).map(|root| given(frazil_value(root)))
    })
}

/// The value of a file, by its absolute path.
///
/// # Safety
/// Handles, texts and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_eval_file(
    evaluator: *const frazil_evaluator,
    path: *const c_char,
    error: *mut *mut frazil_error,
) -> *mut frazil_value {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let (evaluator, path) = unsafe { (handle(evaluator)?, string(path)?) };
        evaluator.0.eval(Source::file(Disk::to_nix(path)?)).map(|root| given(frazil_value(root)))
    })
}

/// The value of a JSON text.
///
/// # Safety
/// Handles, texts and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_read_json(
    evaluator: *const frazil_evaluator,
    json: *const c_char,
    error: *mut *mut frazil_error,
) -> *mut frazil_value {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let (evaluator, json) = unsafe { (handle(evaluator)?, string(json)?) };
        evaluator.0.read_json(json).map(|root| given(frazil_value(root)))
    })
}

/// The value of a spec as JSON, in an evaluator of its own.
///
/// # Safety
/// Texts and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_open(
    spec: *const c_char,
    error: *mut *mut frazil_error,
) -> *mut frazil_value {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let spec = unsafe { string(spec) }?;
        let spec: EvalSpec = serde_json::from_str(spec).map_err(|error| invalid(error.to_string()))?;
        spec.open().map(|(_, root)| given(frazil_value(root)))
    })
}

// ---- values -----------------------------------------------------------------------------------------------

/// Ends a value.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_free(value: *mut frazil_value) {
    // SAFETY: the caller's promise.
    unsafe { end(value) }
}

fn kind(kind: Type) -> frazil_kind {
    match kind {
        Type::Thunk => frazil_kind::FRAZIL_THUNK,
        Type::Null => frazil_kind::FRAZIL_NULL,
        Type::Bool => frazil_kind::FRAZIL_BOOL,
        Type::Int => frazil_kind::FRAZIL_INT,
        Type::Float => frazil_kind::FRAZIL_FLOAT,
        Type::String => frazil_kind::FRAZIL_STRING,
        Type::Path => frazil_kind::FRAZIL_PATH,
        Type::List => frazil_kind::FRAZIL_LIST,
        Type::Attrs => frazil_kind::FRAZIL_SET,
        Type::Function => frazil_kind::FRAZIL_FUNCTION,
        Type::External => frazil_kind::FRAZIL_EXTERNAL,
    }
}

/// What a value is, as far as it is evaluated.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_kind(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> frazil_kind {
    // SAFETY: the caller's promise.
    guard(error, frazil_kind::FRAZIL_THUNK, || unsafe { handle(value) }?.0.type_of().map(kind))
}

/// Evaluates a value, not what it holds; a thunk if it fails.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_force(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> frazil_kind {
    // SAFETY: the caller's promise.
    guard(error, frazil_kind::FRAZIL_THUNK, || unsafe { handle(value) }?.0.force().map(kind))
}

/// How many elements or attributes a value has; -1 if it fails, or has none of either.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_length(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> i64 {
    guard(error, -1, || {
        // SAFETY: the caller's promise.
        let length = unsafe { handle(value) }?.0.len()?;
        Ok(length.and_then(|length| i64::try_from(length).ok()).unwrap_or(-1))
    })
}

/// An attribute, not evaluated; NULL without an error if there is none.
///
/// # Safety
/// Handles, texts and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_get(
    value: *const frazil_value,
    name: *const c_char,
    error: *mut *mut frazil_error,
) -> *mut frazil_value {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let (value, name) = unsafe { (handle(value)?, string(name)?) };
        Ok(value.0.get(name)?.map_or(std::ptr::null_mut(), |root| given(frazil_value(root))))
    })
}

/// An element, not evaluated; NULL without an error if there is none.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_index(
    value: *const frazil_value,
    index: usize,
    error: *mut *mut frazil_error,
) -> *mut frazil_value {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let found = unsafe { handle(value) }?.0.index(index)?;
        Ok(found.map_or(std::ptr::null_mut(), |root| given(frazil_value(root))))
    })
}

/// The value at an attribute path: `a."b.c".0`.
///
/// # Safety
/// Handles, texts and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_path(
    value: *const frazil_value,
    path: *const c_char,
    error: *mut *mut frazil_error,
) -> *mut frazil_value {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let (value, path) = unsafe { (handle(value)?, string(path)?) };
        value.0.path(path).map(|root| given(frazil_value(root)))
    })
}

/// The result of a call with so many arguments.
///
/// # Safety
/// Handles and places are as this library's header says; there are so many arguments.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_call(
    function: *const frazil_value,
    arguments: *const *const frazil_value,
    count: usize,
    error: *mut *mut frazil_error,
) -> *mut frazil_value {
    guard(error, std::ptr::null_mut(), || {
        let mut roots = Vec::new();
        for i in 0..count {
            if arguments.is_null() {
                return Err(invalid("a handle is NULL"));
            }
            // SAFETY: the caller's promise.
            roots.push(&unsafe { handle(*arguments.add(i)) }?.0);
        }
        // SAFETY: the caller's promise.
        let function = unsafe { handle(function) }?;
        function.0.call(&roots).map(|root| given(frazil_value(root)))
    })
}

/// A text of a value's.
///
/// # Safety
/// As of [`handle`]; `error` is NULL, or a place for a pointer.
unsafe fn value_text(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
    work: impl FnOnce(&Root) -> Result<String, Error>,
) -> *mut c_char {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let value = unsafe { handle(value) }?;
        Ok(text(work(&value.0)?).into_raw())
    })
}

/// The value as JSON, evaluated with all that it holds. Paths are texts.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_data(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> *mut c_char {
    // SAFETY: the caller's promise.
    unsafe { value_text(value, error, |root| Ok(root.to::<serde_json::Value>()?.to_string())) }
}

/// The value as JSON, as `builtins.toJSON` writes it.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_json(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> *mut c_char {
    // SAFETY: the caller's promise.
    unsafe { value_text(value, error, Root::to_json) }
}

/// The value in the language's own words; what is not evaluated is `<CODE>`.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_print(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> *mut c_char {
    // SAFETY: the caller's promise.
    unsafe { value_text(value, error, |root| root.print(false)) }
}

/// The value in the language's own words, evaluated with all that it holds.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_print_deep(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> *mut c_char {
    // SAFETY: the caller's promise.
    unsafe { value_text(value, error, |root| root.print(true)) }
}

/// What the documentation comment of the function that the value is says, evaluated; NULL, and no error, if there is none.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_doc(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> *mut c_char {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let doc = unsafe { handle(value) }?.0.doc()?;
        Ok(doc.map_or(std::ptr::null_mut(), |doc| text(doc).into_raw()))
    })
}

/// The text that the value is coerced to.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_text(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> *mut c_char {
    // SAFETY: the caller's promise.
    unsafe { value_text(value, error, Root::coerce) }
}

/// The names of a set as a list in JSON.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_names(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> *mut c_char {
    // SAFETY: the caller's promise.
    unsafe { value_text(value, error, |root| Ok(serde_json::Value::from(root.names()?).to_string())) }
}

/// The path of the derivation's `.drv`.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_value_drv_path(
    value: *const frazil_value,
    error: *mut *mut frazil_error,
) -> *mut c_char {
    // SAFETY: the caller's promise.
    unsafe { value_text(value, error, |root| root.path("drvPath")?.text()) }
}

/// Ends a text that this library answered.
///
/// # Safety
/// NULL, or such a text that has not ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: it is from `CString::into_raw`, and the caller promises that it has not ended.
        drop(unsafe { CString::from_raw(string) });
    }
}

// ---- jobs -------------------------------------------------------------------------------------------------

/// A walk over the jobs of a value, by options as JSON; NULL for none.
///
/// # Safety
/// Handles, texts and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_jobs_new(
    value: *const frazil_value,
    options: *const c_char,
    error: *mut *mut frazil_error,
) -> *mut frazil_jobs {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let (value, options) = unsafe { (handle(value)?, string_or(options, "{}")?) };
        let options = serde_json::from_str(options).map_err(|error| invalid(error.to_string()))?;
        let session = value.0.session().clone();
        let jobs = Mutex::new(session.jobs(&value.0, options)?);
        Ok(given(frazil_jobs { session, jobs }))
    })
}

/// The next job as JSON, with the fields of a line of nix-eval-jobs; NULL without an error if there is none.
///
/// # Safety
/// Handles and places are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_jobs_next(
    jobs: *const frazil_jobs,
    error: *mut *mut frazil_error,
) -> *mut c_char {
    guard(error, std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let frazil_jobs { session, jobs } = unsafe { handle(jobs) }?;
        let job = session.with(|evaluator| {
            let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(jobs.next(evaluator))
        })?;
        Ok(job.map_or(std::ptr::null_mut(), |job| text(job.to_json().to_string()).into_raw()))
    })
}

/// Ends a walk.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_jobs_free(jobs: *mut frazil_jobs) {
    // SAFETY: the caller's promise.
    unsafe { end(jobs) }
}

// ---- errors -----------------------------------------------------------------------------------------------

/// What went wrong, for programs: a word such as `thrown`, `syntax`, `memory`.
/// It lives as long as the error; NULL for NULL.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_error_code(error: *const frazil_error) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(std::ptr::null(), |error| error.code.as_ptr())
}

/// What went wrong, for people.
/// It lives as long as the error; NULL for NULL.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_error_message(error: *const frazil_error) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(std::ptr::null(), |error| error.message.as_ptr())
}

/// The error as CppNix prints it, with excerpts of the source.
/// It lives as long as the error; NULL for NULL.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_error_render(error: *const frazil_error) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(std::ptr::null(), |error| error.rendered.as_ptr())
}

/// The file of the error's place; NULL if it has none.
/// It lives as long as the error; NULL for NULL.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_error_file(error: *const frazil_error) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }
        .map_or(std::ptr::null(), |error| error.file.as_ref().map_or(std::ptr::null(), |file| file.as_ptr()))
}

/// All that is known of the error, as JSON.
/// It lives as long as the error; NULL for NULL.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_error_json(error: *const frazil_error) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(std::ptr::null(), |error| error.json.as_ptr())
}

/// The line of the error's place, from 1; 0 if it has none.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_error_line(error: *const frazil_error) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(0, |error| error.line)
}

/// The column of the error's place in bytes, from 1; 0 if it has none.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_error_column(error: *const frazil_error) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(0, |error| error.column)
}

/// The first byte of what is to be pointed at, from the source's start; 0 if there is nothing.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_error_start(error: *const frazil_error) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(0, |error| error.start)
}

/// The byte behind the last of what is to be pointed at; 0 if there is nothing.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_error_end(error: *const frazil_error) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(0, |error| error.end)
}

/// Ends an error.
///
/// # Safety
/// Handles are as this library's header says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn frazil_error_free(error: *mut frazil_error) {
    // SAFETY: the caller's promise.
    unsafe { end(error) }
}
