//! Texts of files: what has the stamp that it had is not read again, as its code is known.
//!
//! The files that an evaluator asks for share an entry of the cache, named by the first of them: a program that begins with the
//! same file goes on with much the same others.

use super::{Cache, HASH, Key, READER, hash_of, is_worth_writing, put_stamp, take_stamp};
use frazil_syntax::words::{Reader, Writer};
use frazil_vm::host::Stamp;
use std::collections::BTreeMap;

/// An entry with more files loses those that were not asked for.
const MAX_FILES: usize = 1 << 13;
/// Names the form of entries, and has to change with it.
const FORM: &[u8] = b"texts 1";

/// What one evaluator knows of texts.
#[derive(Default)]
pub(super) struct Texts {
    /// The name of the entry, once a file was asked for.
    name: Option<Key>,
    files: BTreeMap<Vec<u8>, File>,
    /// How many files are not in the entry as they are here.
    n_new: usize,
}

/// A file as it was with some stamp.
struct File {
    stamp: Stamp,
    text: Text,
    is_asked_for: bool,
}

/// What is known of a text.
#[derive(Clone, Copy)]
pub(super) struct Text {
    /// The name of the entry with its code.
    pub(super) key: Key,
    /// Its length in bytes.
    pub(super) len: u32,
}

impl Texts {
    /// The text that a file has with this stamp. All that is asked is of one `scope`: the hash of what code depends on beside
    /// its text.
    pub(super) fn find(&mut self, cache: &Cache, scope: &Key, path: &[u8], stamp: &Stamp) -> Option<Text> {
        if self.name.is_none() {
            let name = hash_of(&[READER.as_bytes(), FORM, &scope[..], path].join(&0));
            self.files = kept(cache, &name).unwrap_or_default();
            self.name = Some(name);
        }
        let file = self.files.get_mut(path).filter(|file| file.stamp == *stamp)?;
        file.is_asked_for = true;
        Some(file.text)
    }

    /// Keeps the text of a file that was asked for.
    pub(super) fn keep(&mut self, path: &[u8], stamp: Stamp, text: Text) {
        let known = self.files.insert(path.to_vec(), File { stamp, text, is_asked_for: true });
        // What is read although it is known, for its lints, is nothing new.
        self.n_new += known.is_none_or(|file| file.stamp != stamp || file.text.key != text.key) as usize;
    }

    /// Writes what is worth it.
    pub(super) fn settle(&mut self, cache: &Cache) {
        let Some(name) = &self.name else { return };
        if !is_worth_writing(self.files.len(), self.n_new) {
            return;
        }
        self.n_new = 0;
        if self.files.len() > MAX_FILES {
            self.files.retain(|_, file| file.is_asked_for);
        }
        if self.files.len() <= MAX_FILES {
            cache.put(name, &self.pack());
        }
    }

    fn pack(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        for (path, File { stamp, text, .. }) in &self.files {
            writer.text(path);
            put_stamp(&mut writer, stamp);
            writer.text(&text.key);
            writer.word(text.len);
        }
        writer.finish()
    }
}

/// What an entry has. `None` if it is none.
fn kept(cache: &Cache, name: &Key) -> Option<BTreeMap<Vec<u8>, File>> {
    let bytes = cache.get(name)?;
    let (mut files, mut reader) = (BTreeMap::new(), Reader::new(&bytes));
    while !reader.is_at_end() {
        let path = reader.text()?.to_vec();
        let stamp = take_stamp(&mut reader)?;
        let key: [u8; HASH] = reader.text()?.try_into().ok()?;
        let text = Text { key, len: reader.word()? };
        files.insert(path, File { stamp, text, is_asked_for: false });
    }
    Some(files)
}
