//! Microseconds to finish one derivation: check it, address its outputs, write it, hash it.
//!
//! The derivation is like an average one of `hello`'s closure: 1.8 KB, ten inputs, two outputs.
//! `cargo bench -p frazil-store`.
#![expect(clippy::disallowed_methods, reason = "a measurement meets the system itself")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use frazil_store::{Draft, HashModulo, HashesModulo, Scratch, StoreDir, StorePath};

const N_INPUTS: usize = 10;
const ROUNDS: usize = 20;
const PER_ROUND: u32 = 2_000;

fn main() {
    let store = StoreDir::default();
    let mut scratch = Scratch::default();
    let mut hashes = BTreeMap::new();
    let inputs: Vec<StorePath> = (0..N_INPUTS)
        .map(|i| {
            let finished = input(i).finish(&store, &hashes, &mut scratch).unwrap();
            hashes.insert(finished.path.clone(), finished.modulo);
            finished.path
        })
        .collect();

    let finished = draft(&inputs).finish(&store, &hashes, &mut scratch).unwrap();
    println!("{} bytes, {N_INPUTS} inputs: {}", scratch.aterm().len(), finished.path);
    let make = best(|| drop(black_box(draft(&inputs))));
    let both = best(|| finish(&inputs, &store, &hashes, &mut scratch));
    println!("make the draft   {:6.2} µs", micros(make));
    println!("finish it        {:6.2} µs", micros(both.saturating_sub(make)));
    let text = scratch.aterm().to_vec();
    let hash = best(|| {
        black_box(frazil_store::hash::sha256(black_box(&text)));
    });
    println!("hash it once     {:6.2} µs", micros(hash));
}

fn finish(
    inputs: &[StorePath],
    store: &StoreDir,
    hashes: &BTreeMap<StorePath, HashModulo>,
    scratch: &mut Scratch,
) {
    let hashes: &dyn HashesModulo = hashes;
    black_box(draft(inputs).finish(store, hashes, scratch).unwrap());
}

/// The fastest round, per turn: what the machine does undisturbed.
fn best(mut turn: impl FnMut()) -> Duration {
    let round = |turn: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..PER_ROUND).for_each(|_| turn());
        start.elapsed()
    };
    (0..ROUNDS).map(|_| round(&mut turn)).min().expect("at least one round") / PER_ROUND
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn input(i: usize) -> Draft {
    let mut draft = Draft::new(format!("input-{i}"));
    draft.system = b"x86_64-linux".into();
    draft.builder = b"/bin/sh".into();
    draft
}

fn draft(inputs: &[StorePath]) -> Draft {
    let mut draft = Draft::new("hello-2.12.3".into());
    draft.system = b"x86_64-linux".into();
    draft.builder = b"/nix/store/razasrvdg7ckplfmvdxv4ia3wbayr94s-bash-5.2p32/bin/bash".into();
    draft.args = vec![b"-e".into(), b"/nix/store/l622p70vy8k5sh7y5wizi5f2mic6ynpg-stdenv.sh".into()];
    draft.set_outputs([b"out".as_slice(), b"dev"]).unwrap();
    for i in 0..11 {
        let value = b"/nix/store/0j6kpwz4dm9964pssxn1zf5vql05y3fl".repeat(1 + usize::from(i % 6 == 0));
        draft.env.set(format!("variable{i:02}").as_bytes(), &value);
    }
    for input in inputs {
        draft.input_drvs.insert(input.clone(), b"out".as_slice().into());
    }
    draft.input_srcs.insert(StorePath::parse(b"l622p70vy8k5sh7y5wizi5f2mic6ynpg-stdenv.sh").unwrap());
    draft
}
