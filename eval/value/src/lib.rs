//! Values, thunks and the traced heap: the one room with `unsafe`.
//!
//! A [`Val`] is one `Copy` word. It means something only together with the [`Heap`] that made it; the
//! invariants that the unsafe blocks cite are numbered in `README.md` of this room.

pub mod heap;
pub mod layout;
pub mod val;

pub use heap::{Claim, Heap, Overlay, Slot, StringParts, ThunkCode};
pub use layout::{LayoutId, Layouts, Plan, Source, Sources};
pub use val::{Kind, Tag, Val};
