//! What the paper has to hold ours against. Its figures are images: where it prints no number
//! none is given here, but what its own functions make can be computed.

/// The shares are those of its functions, where the servers lie as it has them.
pub(crate) fn distribution(shares: Option<&[f64]>) -> String {
    const FIGURE: &str = "Fig. 22 is a bar chart of 3 servers; the paper prints no numbers.";
    let Some(shares) = shares else {
        return format!("{FIGURE} Nothing of it is drawn here: these servers lie otherwise.");
    };
    let shares: Vec<String> = shares.iter().map(|s| format!("{:.1} %", 100.0 * s)).collect();
    format!(
        "{FIGURE} Beside ours is what it is a sample of: its functions, computed over all \
         six-digit ids, with servers and virtual nodes counted from 1 as its code does: {}. A mark \
         on our bars is the same.",
        shares.join(", ")
    )
}

///
pub(crate) fn scaling() -> String {
    "Fig. 23 shows the number of requests by server for 2 to 6 servers; the paper prints no \
     numbers. Beside ours are its functions, computed over all six-digit ids."
        .into()
}

/// What its log tells of a recovery.
pub(crate) fn recovery(part: u32) -> String {
    let (figures, from, to) = match part {
        1 => ("Figs. 24 and 25", "06:58:48", "06:59:42"),
        _ => ("Figs. 33 to 35", "12:33:07", "12:34:01"),
    };
    let then = match part {
        1 => "its replacement runs at 06:59:43, 55 s after.",
        _ => {
            "its replacement is given its first write at 12:34:07 (which it answers with 400), 60 s after."
        }
    };
    format!(
        "{figures} are excerpts of a log, with heartbeats every 10 seconds and 5 misses to a \
         flatline. The last heartbeats before 'exited with code 137' are of {from}, the last ones \
         before the flatline of {to}, and {then} The paper tells of no requests meanwhile."
    )
}

///
pub(crate) fn md5() -> String {
    "Figs. 26 and 27 show MD5 on 3 and on 6 servers; the paper prints no numbers. Its text says \
     MD5 modulo the number of servers, its code and plots are an MD5 ring: that is computed over \
     all six-digit ids, and is the mark on our bars."
        .into()
}

/// Part 2, A-1.
pub(crate) fn rows() -> String {
    "Figs. 28 and 29 show times of reads and writes; the paper prints no numbers. The authors’ \
     reads asked for ids that no shard held; ours ask for rows that exist."
        .into()
}

/// Part 2, A-2.
pub(crate) fn replicas() -> String {
    "Figs. 30 and 31; the paper prints no numbers, and says that read speed improved and write \
     speed decreased."
        .into()
}

/// Part 2, A-3.
pub(crate) fn servers() -> String {
    "Fig. 32; the paper prints no numbers. It says that the total write time increased with the \
     servers and the mean stabilised, and that read times fluctuated slightly."
        .into()
}
