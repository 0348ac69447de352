//! The attribute that makes a function of Rust's one of Nix's; `frazil` exports it.
#![forbid(unsafe_code)]

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Error, FnArg, ItemFn, LitStr, ReturnType, Type};

/// The most arguments that a function may take, as `frazil::MAX_ARITY` says.
const MAX_ARITY: usize = 8;

/// Makes a function one of Nix's: a type of its name, which `Builder::register` takes, stands beside it.
///
/// It takes from 1 to 8 arguments that serde reads, and answers what serde writes, or a `Result` of that and an error that
/// can be displayed. `#[function(name = "inNix")]` gives it another name in programs.
#[proc_macro_attribute]
pub fn function(options: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(options.into(), item.into()).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    let item: ItemFn = syn::parse2(item)?;
    let signature = &item.sig;
    let refused = [
        (signature.asyncness.to_token_stream(), "an evaluation does not wait for an `async` function"),
        (signature.generics.params.to_token_stream(), "which types it is to have, a program cannot say"),
    ];
    for (tokens, reason) in refused {
        if !tokens.is_empty() {
            return Err(Error::new_spanned(tokens, reason));
        }
    }
    let mut types = Vec::new();
    for input in &signature.inputs {
        match input {
            FnArg::Typed(argument) => types.push(&*argument.ty),
            FnArg::Receiver(receiver) => return Err(Error::new_spanned(receiver, "a program has no `self`")),
        }
    }
    if !(1..=MAX_ARITY).contains(&types.len()) {
        let reason = format!("a function of Nix's takes from 1 to {MAX_ARITY} arguments here");
        return Err(Error::new_spanned(&signature.ident, reason));
    }
    let (name, visibility, arity) = (&signature.ident, &item.vis, types.len());
    let in_nix = name_in_nix(options)?.unwrap_or_else(|| name.to_string());
    let arguments: Vec<_> = (0..arity).map(|i| format_ident!("argument{i}")).collect();
    let call = quote!(#name(#(#arguments),*));
    let answer = if answers_result(&signature.output) {
        quote!(#call.map_err(|error| ::std::string::ToString::to_string(&error))?)
    } else {
        call
    };
    let doc = format!("[`{name}()`] as a function of Nix's, for `frazil::Builder::register`.");
    Ok(quote! {
        #item

        #[doc = #doc]
        #[expect(non_camel_case_types, reason = "it is named as the function")]
        #visibility struct #name {}

        impl ::frazil::HostFunction for #name {
            const NAME: &'static str = #in_nix;
            const ARITY: usize = #arity;

            fn call(arguments: &[u8]) -> ::std::result::Result<::std::vec::Vec<u8>, ::std::string::String> {
                let (#(#arguments,)*): (#(#types,)*) = ::frazil::read_arguments(arguments)?;
                ::frazil::write_answer(&#answer)
            }
        }
    })
}

fn name_in_nix(options: TokenStream) -> Result<Option<String>, Error> {
    let mut name = None;
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("name") {
            return Err(meta.error("there is only `name = \"…\"`"));
        }
        name = Some(meta.value()?.parse::<LitStr>()?.value());
        Ok(())
    });
    syn::parse::Parser::parse2(parser, options)?;
    Ok(name)
}

/// Whether a function answers what is called `Result`, whoever's it is.
fn answers_result(output: &ReturnType) -> bool {
    let ReturnType::Type(_, answer) = output else { return false };
    let Type::Path(path) = &**answer else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Result")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_program_can_call_is_refused() {
        let refused = [
            (
                quote!(),
                quote!(
                    fn f() {}
                ),
                "from 1 to 8",
            ),
            (
                quote!(),
                quote!(
                    fn f(&self, n: i64) {}
                ),
                "self",
            ),
            (
                quote!(),
                quote!(
                    async fn f(n: i64) {}
                ),
                "async",
            ),
            (
                quote!(),
                quote!(
                    fn f<T>(n: T) {}
                ),
                "types",
            ),
            (
                quote!(rename = "x"),
                quote!(
                    fn f(n: i64) {}
                ),
                "name",
            ),
            (
                quote!(),
                quote!(
                    struct F;
                ),
                "fn",
            ),
        ];
        for (options, item, reason) in refused {
            let error = expand(options, item.clone()).expect_err("it is refused");
            assert!(error.to_string().contains(reason), "{item}: {error}");
        }
    }
}
