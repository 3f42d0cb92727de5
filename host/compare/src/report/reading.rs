//! What the figures mean, in words. Every number in it comes from the figures.

use ringwright_plot::Paragraph;

use super::numbers::{count, list, number, percent};
use crate::{Change, Comparison, Figures, Keys, Ring, Scope};

/// A load so far above the mean is no balance.
const UNEVEN: f64 = 2.0;
/// So much of what is ideal is many moves.
const RESTLESS: f64 = 2.0;

/// The plugins that have the paper's H and Φ, where they are the functions that we know.
const PAPERS: [&str; 2] = ["quadratic", "virtual-node"];

/// A paragraph for each thing that there is to see.
pub(crate) fn paragraphs(c: &Comparison) -> Vec<Paragraph> {
    let all = [balance, reach, clusters, lazy, restless, virtual_nodes, cost];
    all.iter().filter_map(|paragraph| paragraph(c)).collect()
}

fn paragraph(opening: &str, text: String) -> Paragraph {
    Paragraph { opening: opening.to_owned(), text }
}

fn papers(c: &Comparison) -> impl Iterator<Item = &Figures> {
    // Whoever has a twin answers as that does; the name alone says nothing.
    let is_it = |p: &&Figures| p.cost.native.known().is_some();
    c.plugins.iter().filter(|p| PAPERS.contains(&p.about.name.as_str())).filter(is_it)
}

fn balance(c: &Comparison) -> Option<Paragraph> {
    let ranked: Vec<(&Figures, f64)> =
        c.ranked().into_iter().filter_map(|p| Some((p, c.peak(p)?))).collect();
    let ((best, least), (worst, most)) = (ranked.first()?, ranked.last()?);
    let chance = c.by_chance(c.scope.few(), Keys::Uniform)?;
    Some(paragraph(
        "Balance.",
        format!(
            "On {} the fullest server has {} times the mean with {}, and {} times with {}; \
             chance alone would give {}.",
            place(&c.scope),
            number(*least),
            best.about.name,
            number(*most),
            worst.about.name,
            number(chance.peak_to_mean)
        ),
    ))
}

/// That an H which misses slots cannot be fair.
fn reach(c: &Comparison) -> Option<Paragraph> {
    let reach = papers(c).next()?.reach.first()?;
    let reached = *reach.reached.known()?;
    let alike = |p: &&Figures| p.reach.first().is_some_and(|r| r.reached.known() == Some(&reached));
    let names: Vec<&str> = papers(c).filter(alike).map(|p| p.about.name.as_str()).collect();
    Some(paragraph(
        "H.",
        format!(
            "That of {} reaches {reached} of {} slots, whatever the ids: {} of them get every \
             request. H(i) = i² + 2i + 17 is (i + 1)² + 16, and few numbers are squares modulo a power \
             of two. Ids that differ by a multiple of the slots share a slot too.",
            list(&names),
            reach.slots,
            percent(f64::from(reached) / f64::from(reach.slots))
        ),
    ))
}

/// That virtual nodes which stand together leave the rest of the ring to one of them.
fn clusters(c: &Comparison) -> Option<Paragraph> {
    let arcs = papers(c).filter_map(|p| Some((p, longest_arc(p.ring.known()?)?)));
    let (plugin, longest) = arcs.max_by_key(|(_, longest)| *longest)?;
    let slots = plugin.ring.known()?.slots;
    let counts = plugin.counts(3).ok()?;
    let share = *counts.requests.iter().max()? as f64 / counts.requests.iter().sum::<u64>() as f64;
    (longest > slots / 2).then(|| {
        paragraph(
            "Φ.",
            format!(
                "With {} on 3 servers one arc is {longest} of {slots} slots: Φ of small numbers is \
                 small, so all nodes stand together at the start of the ring, and the first of them \
                 has what is left. Its server gets {} of the requests.",
                plugin.about.name,
                percent(share)
            ),
        )
    })
}

/// The longest run of slots of one owner; the ring closes.
fn longest_arc(ring: &Ring) -> Option<u32> {
    let (first, last) = (ring.arcs.first()?, ring.arcs.last()?);
    let over_the_end =
        if first.server == last.server { first.to + ring.slots - last.from } else { 0 };
    let longest = ring.arcs.iter().map(|arc| arc.to - arc.from).max()?;
    Some(longest.max(over_the_end).min(ring.slots))
}

/// That who holds little moves little.
fn lazy(c: &Comparison) -> Option<Paragraph> {
    let change = Change::RemoveMiddle;
    let moves = |p| c.moves(p, change).and_then(|m| Some((m.known()?.share, m.ideal)));
    let lazy = c.plugins.iter().filter_map(|p| {
        let ((share, ideal), peak) = (moves(p)?, c.peak(p)?);
        (share < ideal && peak > UNEVEN).then_some((p, share, ideal, peak))
    });
    let (plugin, share, ideal, peak) = lazy.min_by(|(_, a, ..), (_, b, ..)| a.total_cmp(b))?;
    Some(paragraph(
        "Few moves mean nothing without balance.",
        format!(
            "{} moves {} of the keys when a server in the \
             middle leaves, and {} would be ideal: not because it is good, but because that server had \
             so little, while another has {} times the mean. Where one server has everything, nothing \
             ever moves.",
            plugin.about.name,
            percent(share),
            percent(ideal),
            number(peak)
        ),
    ))
}

/// That balance is easy for who moves everything.
fn restless(c: &Comparison) -> Option<Paragraph> {
    let moves = |p| c.moves(p, Change::AddOne).and_then(|m| Some((*m.known()?, m.ideal)));
    let restless = c.plugins.iter().filter_map(|p| {
        let ((moved, ideal), peak) = (moves(p)?, c.peak(p)?);
        (moved.share > RESTLESS * ideal && peak < UNEVEN).then_some((p, moved, ideal))
    });
    let (plugin, moved, ideal) =
        restless.max_by(|(_, a, _), (_, b, _)| a.share.total_cmp(&b.share))?;
    Some(paragraph(
        "Balance means nothing without few moves.",
        format!(
            "{} moves {} of the keys when one server joins, where \
             {} would do; {} of the keys go from one old server to another. Each is a row to copy or a \
             cache that is cold.",
            plugin.about.name,
            percent(moved.share),
            percent(ideal),
            percent(moved.needless)
        ),
    ))
}

fn virtual_nodes(c: &Comparison) -> Option<Paragraph> {
    let told = c.plugins.iter().filter_map(|plugin| {
        let grown = plugin.virtual_nodes.known()?;
        let known = grown.iter().filter_map(|g| Some((g.virtual_nodes, g.spread.known()?)));
        let known: Vec<(u32, f64)> = known.map(|(nodes, s)| (nodes, s.peak_to_mean)).collect();
        let ((first, before), (last, after)) = (*known.first()?, *known.last()?);
        (first != last).then(|| {
            let (before, after) = (number(before), number(after));
            format!("{} from {before} with {first} to {after} with {last}", plugin.about.name)
        })
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| {
        paragraph(
            "Virtual nodes.",
            format!(
                "On {} they take the fullest server of {}. They help as far as Φ \
                 scatters them.",
                place(&c.scope),
                told.join("; of ")
            ),
        )
    })
}

fn cost(c: &Comparison) -> Option<Paragraph> {
    let of = |figure: fn(&Figures) -> Option<f64>| {
        let all = || c.plugins.iter().filter_map(figure);
        Some((number(all().reduce(f64::min)?), number(all().reduce(f64::max)?)))
    };
    let (least, most) = of(|p| p.cost.scalar_ns.known().copied())?;
    let (batch_least, batch_most) = of(|p| p.cost.batch_ns.known().copied())?;
    let lookup = of(|p| p.cost.lookup_ns.known().copied()).map_or_else(String::new, |(_, ns)| {
        format!(", and the look-up in the host's table at most {ns} ns for any")
    });
    let native = of(|p| Some(p.cost.batch_ns.known()? / p.cost.native.known()?.batch_ns));
    let native = native.map_or_else(String::new, |(least, most)| {
        format!(" That is {least} to {most} times the same function compiled into the host.")
    });
    Some(paragraph(
        "Cost.",
        format!(
            "One slot takes {least} to {most} ns, in a batch {batch_least} to {batch_most} \
             ns{lookup}.{native}"
        ),
    ))
}

fn place(scope: &Scope) -> String {
    format!("{} servers and {} slots", scope.few(), count(u64::from(scope.most_slots())))
}
