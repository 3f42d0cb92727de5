//! How evenly keys fall on servers.

use ringwright_ring::{Balance, Table};
use statrs::distribution::{ChiSquared, ContinuousCDF as _};

use crate::{Figure, Keys, Spread};

/// How many of these slots each server of the table owns.
pub(crate) fn loads(table: &Table, slots: &[u32]) -> Vec<u64> {
    let mut loads = vec![0; table.servers()];
    for owner in slots.iter().filter_map(|&slot| table.owner(slot)) {
        loads[owner] += 1;
    }
    loads
}

/// How evenly the loads that keys of this kind make are spread over equal servers.
pub(crate) fn spread(loads: &[u64], keys: Keys) -> Result<Spread, String> {
    let Balance { peak_to_mean, deviation } =
        Balance::even(loads).ok_or("there is no load to spread")?;
    let p_value = if keys.are_distinct() {
        chi_square(loads)
    } else {
        Err("keys that come often fail any function".to_owned())
    };
    Ok(Spread { peak_to_mean, deviation, p_value: Figure(p_value) })
}

/// How likely it is that fair chance is as far from equal loads as these, or further.
fn chi_square(loads: &[u64]) -> Result<f64, String> {
    let freedom = loads.len() as f64 - 1.0;
    let mean = loads.iter().sum::<u64>() as f64 / loads.len() as f64;
    let statistic: f64 = loads.iter().map(|&load| (load as f64 - mean).powi(2) / mean).sum();
    let chance = ChiSquared::new(freedom).map_err(|_| "one server has it all".to_owned())?;
    Ok(chance.sf(statistic))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn chi_square_is_as_in_the_tables() {
        // 60 throws of a die, 5 8 9 8 10 20 of each: 13.4 with 5 degrees of freedom.
        let p = chi_square(&[5, 8, 9, 8, 10, 20]).unwrap();
        assert!((p - 0.0199).abs() < 0.0001, "{p}");
        assert_eq!(chi_square(&[7, 7, 7]), Ok(1.0));
        assert!(chi_square(&[7]).is_err());
    }

    #[test]
    fn keys_that_repeat_are_not_tested() {
        let spread = spread(&[3, 1], Keys::Zipf).unwrap();
        assert_eq!((spread.peak_to_mean, spread.deviation), (1.5, 0.5));
        assert!(spread.p_value.0.unwrap_err().contains("come often"));
    }

    #[test]
    fn no_load_has_no_spread() {
        assert!(spread(&[0, 0], Keys::Uniform).is_err());
    }
}
