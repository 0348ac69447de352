//! Functions of the embedder's as types, which the attribute [`crate::function`] makes.

use crate::Builder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A function of the embedder's that programs may call; the attribute [`crate::function`] writes it.
///
/// ```
/// /// The area of a rectangle.
/// #[frazil::function]
/// fn area(width: u32, height: u32) -> u32 {
///     width * height
/// }
///
/// #[frazil::function(name = "parsePort")]
/// fn parse_port(text: String) -> Result<u16, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// let engine = frazil::Engine::builder().register::<area>().register::<parse_port>().build();
/// let mut evaluator = engine.evaluator();
/// let value = evaluator.eval("[ (area 2 3) (parsePort \"80\") ]")?;
/// assert_eq!(evaluator.to::<Vec<u32>>(&value)?, [6, 80]);
/// let error = evaluator.eval("parsePort \"http\"").unwrap_err();
/// assert_eq!(error.message(), "invalid digit found in string");
/// assert_eq!(area(2, 3), 6);
/// # Ok::<(), frazil::Error>(())
/// ```
pub trait HostFunction {
    /// What programs call it.
    const NAME: &'static str;
    /// How many arguments it takes.
    const ARITY: usize;

    /// From the JSON text of the list of arguments to that of the result.
    fn call(arguments: &[u8]) -> Result<Vec<u8>, String>;
}

/// The arguments of a [`HostFunction`]; the error names the one that does not fit.
///
/// ```
/// assert_eq!(frazil::read_arguments::<(u8, bool)>(b"[1,true]"), Ok((1, true)));
/// assert!(frazil::read_arguments::<(u8,)>(b"[256]").unwrap_err().starts_with("argument [0] does not fit"));
/// ```
pub fn read_arguments<T: DeserializeOwned>(arguments: &[u8]) -> Result<T, String> {
    let reader = &mut serde_json::Deserializer::from_slice(arguments);
    serde_path_to_error::deserialize(reader)
        .map_err(|error| format!("argument {} does not fit: {}", error.path(), error.inner()))
}

/// The answer of a [`HostFunction`].
///
/// ```
/// assert_eq!(frazil::write_answer(&[1, 2]), Ok(b"[1,2]".to_vec()));
/// ```
pub fn write_answer<T: Serialize + ?Sized>(answer: &T) -> Result<Vec<u8>, String> {
    serde_json::to_vec(answer).map_err(|error| error.to_string())
}

impl Builder {
    /// Puts a function into scope everywhere that [`crate::function`] made.
    ///
    /// ```
    /// #[frazil::function]
    /// fn shout(text: String) -> String {
    ///     text.to_uppercase()
    /// }
    ///
    /// let mut evaluator = frazil::Engine::builder().register::<shout>().build().evaluator();
    /// let value = evaluator.eval("map shout [ \"a\" ]")?;
    /// assert_eq!(evaluator.to_json(&value)?, "[\"A\"]");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn register<F: HostFunction + 'static>(self) -> Builder {
        self.json_function(F::NAME, F::ARITY, F::call)
    }
}
