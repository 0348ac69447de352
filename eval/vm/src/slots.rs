//! Tables whose entries are known by number, and end: their places are filled again.

/// Entries by number.
pub(crate) struct Slots<T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots { entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// Adds an entry; answers its number.
    pub(crate) fn add(&mut self, entry: T) -> u32 {
        if let Some(free) = self.free.pop() {
            self.entries[free as usize] = Some(entry);
            return free;
        }
        self.entries.push(Some(entry));
        u32::try_from(self.entries.len() - 1).expect("fewer than 2^32 entries")
    }

    /// The entry of that number.
    pub(crate) fn get(&self, n: u32) -> &T {
        self.entries[n as usize].as_ref().expect("what has its number keeps it alive")
    }

    /// Puts another entry in the place of that number.
    pub(crate) fn replace(&mut self, n: u32, entry: T) {
        self.entries[n as usize] = Some(entry);
    }

    /// The entries and their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(&self.entries).filter_map(|(n, entry)| Some((n, entry.as_ref()?)))
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// A number more than any entry has.
    pub(crate) fn end(&self) -> usize {
        self.entries.len()
    }

    /// Ends the entries that are not to stay.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(u32, &T) -> bool) {
        self.free.clear();
        for (n, entry) in (0..).zip(&mut self.entries) {
            if entry.as_ref().is_none_or(|entry| !stays(n, entry)) {
                *entry = None;
                self.free.push(n);
            }
        }
        // Low numbers are given out first, so that the table can end earlier.
        while self.entries.pop_if(|last| last.is_none()).is_some() {}
        let end = self.entries.len() as u32;
        self.free.retain(|&n| n < end);
        self.free.reverse();
    }
}

/// Numbers that are given out in runs, each of which belongs to an owner. Those of owners that are gone are given out again.
pub(crate) struct Runs {
    /// In order, without overlap.
    taken: Vec<Run>,
    /// Behind so many of them room is looked for.
    at: usize,
    first: u32,
}

struct Run {
    start: u32,
    end: u32,
    owner: u32,
}

impl Runs {
    /// None is given out yet; `first` will be the first.
    pub(crate) fn new(first: u32) -> Runs {
        Runs { taken: Vec::new(), at: 0, first }
    }

    /// Where the next run will start, if it has so many numbers.
    pub(crate) fn next(&mut self, len: u32) -> u32 {
        loop {
            let start = self.at.checked_sub(1).map_or(self.first, |before| self.taken[before].end);
            match self.taken.get(self.at) {
                Some(behind) if behind.start - start < len => self.at += 1,
                _ => return start,
            }
        }
    }

    /// Gives a run of so many numbers to an owner; answers its start.
    pub(crate) fn take(&mut self, len: u32, owner: u32) -> u32 {
        let start = self.next(len);
        self.taken.insert(self.at, Run { start, end: start.saturating_add(len), owner });
        self.at += 1;
        start
    }

    /// The owner of a number.
    pub(crate) fn owner(&self, n: u32) -> Option<u32> {
        let behind = self.taken.partition_point(|run| run.start <= n);
        self.taken[..behind].last().filter(|run| n < run.end).map(|run| run.owner)
    }

    /// A number more than any that is given out.
    pub(crate) fn end(&self) -> u32 {
        self.taken.last().map_or(self.first, |run| run.end)
    }

    /// Takes back the runs of owners that are not to stay.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(u32) -> bool) {
        self.taken.retain(|run| stays(run.owner));
        self.at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{Runs, Slots};

    #[test]
    fn places_are_filled_again() {
        let mut slots = Slots::default();
        let numbers: Vec<u32> = "abcd".chars().map(|c| slots.add(c)).collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
        slots.retain(|n, &c| n == 2 && c == 'c');
        assert_eq!((slots.len(), slots.end()), (1, 3));
        assert_eq!([slots.add('e'), slots.add('f'), slots.add('g')], [0, 1, 3]);
        assert_eq!((*slots.get(2), *slots.get(1)), ('c', 'f'));
    }

    #[test]
    fn runs_that_fit_are_given_out_again() {
        let mut runs = Runs::new(1);
        let starts: Vec<u32> = (0..4).map(|owner| runs.take(10, owner)).collect();
        assert_eq!((starts, runs.end()), (vec![1, 11, 21, 31], 41));
        runs.retain(|owner| owner % 2 == 1);
        assert_eq!(runs.owner(5), None);
        // A long one goes to the end, and those before it are not looked at again.
        assert_eq!([runs.take(4, 4), runs.take(6, 5), runs.take(11, 6)], [1, 5, 41]);
        assert_eq!([5, 12, 25, 35, 45].map(|n| runs.owner(n)), [Some(5), Some(1), None, Some(3), Some(6)]);
        assert_eq!(runs.owner(52), None);
    }
}
