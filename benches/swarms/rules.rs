//! The two bars on the cost of deciding; `benches/micro` looks closer.

use std::time::Instant;

use anyhow::Result;
use peer_process::peer::Event;

use crate::Bench;
use crate::report::{Bar, Figure};
use crate::world::{Neighbors, Size, World};

/// Number of calls that are timed at once: one alone is too short.
const BATCH: u32 = 100;
const BATCHES: u32 = 50;

/// Choosing among millions of pieces, and the cost of a saved piece for each neighbor that receives the news.
#[expect(clippy::unnecessary_wraps, reason = "the other groups may fail")]
pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let pieces = if bench.quick { 65_536 } else { 3_000_000 };
    let mut figures = Vec::new();
    let mut per_neighbor = Vec::new();
    for neighbors in [5, 50, 500] {
        let mut world = World::new(Size { pieces, neighbors }, Neighbors::Seeders);
        let (mut choices, mut saves) = (Vec::new(), Vec::new());
        for _ in 0..BATCHES {
            choices.push(micros_a_call(&mut world, World::piece_arrives));
            let save = micros_a_call(&mut world, |world| {
                let piece = world.take_arrived();
                world.handle(Event::PieceSaved { piece });
            });
            saves.push(save / f64::from(neighbors));
        }
        let choice = format!("{pieces} pieces, {neighbors} neighbors: one arrives, the next is chosen");
        figures.push(Figure::new(choice, "us", &choices).bar(Bar::MostValue(20.0)));
        per_neighbor.push((neighbors, saves));
    }
    let few = per_neighbor[0].1.clone();
    for (neighbors, saves) in per_neighbor {
        let name = format!("{pieces} pieces, {neighbors} neighbors: one is saved, per neighbor");
        figures.push(Figure::against(name, "us", &saves, &few).bar(Bar::MostRatio(2.0)));
    }
    Ok(figures)
}

fn micros_a_call(world: &mut World, call: impl Fn(&mut World)) -> f64 {
    let begun = Instant::now();
    (0..BATCH).for_each(|_| call(world));
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(BATCH)
}
