//! Listings of directories: what has the stamp that it had is not listed again.
//!
//! The directories in one directory share an entry of the cache, which is written when it has many of them. A program that
//! lists one of many lists all of them; and to look for the entry of a lone one takes no less than to list it.

use super::{Cache, Key, READER, hash_of, is_worth_writing, put_stamp, take_stamp};
use frazil_syntax::words::{Reader, Writer};
use frazil_vm::host::{FileKind, Stamp};
use std::collections::BTreeMap;
use std::ops::Range;

/// A group whose entry would have more bytes loses what was not asked for; if that is not enough, it is not written.
const MAX_ENTRY: usize = 2 << 20;
/// Names the form of entries, and has to change with it.
const FORM: &[u8] = b"listings 1";
/// By the byte that stands for them.
const KINDS: [FileKind; 5] = [
    FileKind::Regular { executable: false },
    FileKind::Regular { executable: true },
    FileKind::Directory,
    FileKind::Symlink,
    FileKind::Other,
];

/// What one evaluator knows of listings.
#[derive(Default)]
pub(super) struct Listings {
    /// What is known of the directories in each one, once a second of them is asked for.
    groups: BTreeMap<Vec<u8>, Option<Group>>,
    /// Whether there is anything new since groups were written.
    is_changed: bool,
}

/// The listings of directories in one directory.
#[derive(Default)]
struct Group {
    children: BTreeMap<Vec<u8>, Child>,
    /// Where the listings are: for each name a byte for its kind, one for its length, itself.
    bytes: Vec<u8>,
    /// How many children are not in the entry as they are here.
    n_new: usize,
}

struct Child {
    stamp: Stamp,
    /// Its part of the group's bytes.
    listing: Range<usize>,
    is_asked_for: bool,
}

impl Listings {
    /// Calls `entry` for each name in a directory if its listing of that stamp is known, and answers whether it is.
    pub(super) fn tell(
        &mut self,
        cache: &Cache,
        dir: &[u8],
        stamp: &Stamp,
        entry: &mut dyn FnMut(&[u8], FileKind),
    ) -> bool {
        let (parent, name) = split(dir);
        let Some(group) = self.groups.get_mut(parent) else {
            self.groups.insert(parent.to_vec(), None);
            return false;
        };
        let group = group.get_or_insert_with(|| Group::kept(cache, parent).unwrap_or_default());
        group.tell(name, stamp, entry).is_some()
    }

    /// Keeps the listing of a directory that was asked for.
    pub(super) fn keep(&mut self, dir: &[u8], stamp: Stamp, entries: &[(Vec<u8>, Option<FileKind>)]) {
        let (parent, name) = split(dir);
        if let Some(Some(group)) = self.groups.get_mut(parent) {
            self.is_changed |= group.keep(name, stamp, entries).is_some();
        }
    }

    /// Writes the groups that are worth it.
    pub(super) fn settle(&mut self, cache: &Cache) {
        if !std::mem::take(&mut self.is_changed) {
            return;
        }
        for (parent, group) in &mut self.groups {
            let Some(group) = group.as_mut().filter(|group| group.is_worth_writing()) else { continue };
            group.n_new = 0;
            let mut entry = group.pack(|_| true);
            if entry.len() > MAX_ENTRY {
                entry = group.pack(|child| child.is_asked_for);
            }
            if entry.len() <= MAX_ENTRY {
                cache.put(&key(parent), &entry);
            }
        }
    }
}

impl Group {
    /// What the cache has of the directories in `parent`.
    fn kept(cache: &Cache, parent: &[u8]) -> Option<Group> {
        let bytes = cache.get(&key(parent))?;
        let (mut children, mut reader, mut at) = (BTreeMap::new(), Reader::new(&bytes), 0);
        while !reader.is_at_end() {
            let name = reader.text()?;
            let stamp = take_stamp(&mut reader)?;
            let listing = reader.text()?;
            // Two lengths and a stamp are between the texts.
            at += 4 + name.len() + size_of::<Stamp>() + 4 + listing.len();
            let listing = at - listing.len()..at;
            children.insert(name.to_vec(), Child { stamp, listing, is_asked_for: false });
        }
        Some(Group { children, bytes, n_new: 0 })
    }

    /// The content of an entry that has some of the children.
    fn pack(&self, is_wanted: impl Fn(&Child) -> bool) -> Vec<u8> {
        let mut writer = Writer::default();
        for (name, child) in self.children.iter().filter(|(_, child)| is_wanted(child)) {
            writer.text(name);
            put_stamp(&mut writer, &child.stamp);
            writer.text(&self.bytes[child.listing.clone()]);
        }
        writer.finish()
    }

    fn is_worth_writing(&self) -> bool {
        is_worth_writing(self.children.len(), self.n_new)
    }

    fn tell(&mut self, name: &[u8], stamp: &Stamp, entry: &mut dyn FnMut(&[u8], FileKind)) -> Option<()> {
        let child = self.children.get_mut(name).filter(|child| child.stamp == *stamp)?;
        let listing = &self.bytes[child.listing.clone()];
        // Nothing is told of what is not whole.
        each(listing, &mut |_, _| ())?;
        child.is_asked_for = true;
        each(listing, entry)
    }

    fn keep(&mut self, name: &[u8], stamp: Stamp, entries: &[(Vec<u8>, Option<FileKind>)]) -> Option<()> {
        let start = self.bytes.len();
        // Enough for an entry beside one that is there.
        if start > 2 * MAX_ENTRY {
            return None;
        }
        for (name, kind) in entries {
            let code = KINDS.iter().position(|of| Some(*of) == *kind);
            let (Some(code), Ok(len)) = (code, u8::try_from(name.len())) else {
                self.bytes.truncate(start);
                return None;
            };
            self.bytes.extend_from_slice(&[code as u8, len]);
            self.bytes.extend_from_slice(name);
        }
        let listing = start..self.bytes.len();
        self.children.insert(name.to_vec(), Child { stamp, listing, is_asked_for: true });
        self.n_new += 1;
        Some(())
    }
}

/// Calls `entry` for each name of a listing. `None` if it ends in what is none.
fn each(mut listing: &[u8], entry: &mut dyn FnMut(&[u8], FileKind)) -> Option<()> {
    while let [code, len, rest @ ..] = listing {
        let (name, rest) = rest.split_at_checked(usize::from(*len))?;
        entry(name, *KINDS.get(usize::from(*code))?);
        listing = rest;
    }
    listing.is_empty().then_some(())
}

/// The path of what a directory is in, without a slash at its end, and the name that it has there.
fn split(dir: &[u8]) -> (&[u8], &[u8]) {
    let slash = dir.iter().rposition(|&c| c == b'/').unwrap_or(0);
    (&dir[..slash], &dir[(slash + 1).min(dir.len())..])
}

fn key(parent: &[u8]) -> Key {
    hash_of(&[READER.as_bytes(), FORM, parent].join(&0))
}
