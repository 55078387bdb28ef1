//! Numbers and lists on a command line: each has a range, and the parser refuses what is outside, before anything is printed.
//!
//! ```text
//!   --rate nan       invalid value 'nan' for '--rate <PER_SECOND>': a number from 0.001 to 1000000000
//!   -m epoll,epoll   'epoll' is given twice for '--models <MODEL,...>'
//! ```

use std::any::TypeId;
use std::fmt::Display;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, Parser};

use super::duration::{duration, human};
use super::stdout::end_instead;

/// Reads a number in the range, whole or not. No range contains NaN, and none that is written here an infinite number.
pub fn within<N>(range: RangeInclusive<N>) -> impl Fn(&str) -> Result<N, String> + Clone
where
    N: FromStr + PartialOrd + Display + Clone,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("a number from {} to {}", range.start(), range.end()))
    }
}

/// Reads a whole number from 1 to `most`.
pub fn at_least_one(most: usize) -> impl Fn(&str) -> Result<NonZeroUsize, String> + Clone {
    let read = within(1..=most);
    move |text| read(text).map(|number| NonZeroUsize::new(number).expect("the range begins at 1"))
}

/// Reads a duration as [`duration`] does, in the range.
pub fn duration_within(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| {
        let read = duration(text)?;
        let (start, end) = (human(*range.start()), human(*range.end()));
        if range.contains(&read) { Ok(read) } else { Err(format!("a time from {start} to {end}")) }
    }
}

/// Reads the command line of a program. Wrong arguments end it with status 2; `--help` and `--version` with status 0, or with 1 when
/// the text cannot be written.
#[must_use]
pub fn parse<P: Parser>() -> P {
    let mut command = P::command();
    let parsed = command.try_get_matches_from_mut(std::env::args_os()).and_then(|matches| {
        refuse_twice(&mut command, &matches)?;
        P::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    });
    parsed.unwrap_or_else(|error| end_instead(&error))
}

/// Refuses a list that names one thing twice. A list is an option that takes several values between commas, or of names.
fn refuse_twice(command: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let twice = command.get_arguments().filter(|argument| is_list(argument)).find_map(|argument| {
        given_twice(argument, matches).map(|name| format!("'{name}' is given twice for '{argument}'"))
    });
    if let Some(what) = twice {
        return Err(command.error(ErrorKind::ValueValidation, what));
    }
    let inner = matches.subcommand().and_then(|(name, matches)| {
        command.find_subcommand_mut(name).map(|command| refuse_twice(command, matches))
    });
    inner.unwrap_or(Ok(()))
}

/// What this list names twice, an alias being another word for the same.
fn given_twice(list: &Arg, matches: &ArgMatches) -> Option<String> {
    let (mut seen, names) = (Vec::new(), list.get_possible_values());
    matches.get_raw(list.get_id().as_str()).into_iter().flatten().find_map(|value| {
        let text = value.to_string_lossy();
        let name = names.iter().find(|name| name.matches(&text, false));
        let name = name.map_or(text.into_owned(), |name| name.get_name().to_owned());
        seen.contains(&name).then(|| name.clone()).or_else(|| {
            seen.push(name);
            None
        })
    })
}

fn is_list(argument: &Arg) -> bool {
    let takes_several = matches!(argument.get_action(), clap::ArgAction::Append);
    takes_several && (argument.get_value_delimiter().is_some() || !argument.get_possible_values().is_empty())
}

/// The options of a program, its subcommands' too, that take any number: each has to have a range. For tests.
///
/// A port and the like have the range of their 16 bits, and every number is a seed.
#[must_use]
pub fn without_range(mut command: Command) -> Vec<String> {
    command.build();
    let of_this = command.get_arguments().filter(|argument| takes_any_number(argument));
    let of_this = of_this.map(|argument| format!("{} {argument}", command.get_name()));
    of_this.chain(command.get_subcommands().cloned().flat_map(without_range)).collect()
}

/// Whether the option takes a number that nobody means, and no text.
fn takes_any_number(argument: &Arg) -> bool {
    let parser = argument.get_value_parser();
    let takes = |value: &str| {
        let alone = Arg::new("number").value_parser(parser.clone()).allow_hyphen_values(true);
        Command::new("test").no_binary_name(true).arg(alone).try_get_matches_from([value]).is_ok()
    };
    let mut absurd = vec!["18446744073709551615", "-9223372036854775808", "1e300", "nan", "inf"];
    if parser.type_id() == TypeId::of::<u32>() || parser.type_id() == TypeId::of::<i32>() {
        absurd.extend(["4294967295", "2147483647"]);
    }
    let is_number = argument.get_action().takes_values() && !takes("no number");
    is_number && argument.get_id() != "seed" && absurd.into_iter().any(takes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(subcommand)]
        command: Subcommand,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Subcommand {
        Measure {
            #[arg(long, value_parser = within(0.5..=10.0), allow_hyphen_values = true)]
            factor: Option<f64>,
            #[arg(long, value_delimiter = ',', value_parser = within(1..=9u8))]
            counts: Vec<u8>,
            #[arg(long, value_enum)]
            color: Vec<clap::ColorChoice>,
            #[arg(long)]
            text: Vec<String>,
            #[arg(long)]
            boundless: Option<u64>,
        },
    }

    fn read(line: &str) -> Result<(), String> {
        use clap::CommandFactory;
        let mut command = Program::command();
        let words = ["program", "measure"].into_iter().chain(line.split_whitespace());
        let matches = command.try_get_matches_from_mut(words).map_err(|error| error.to_string())?;
        refuse_twice(&mut command, &matches).map_err(|error| error.to_string())
    }

    #[test]
    fn a_number_outside_its_range_is_refused_with_the_range() {
        for text in ["nan", "NaN", "inf", "-inf", "infinity", "1e999", "0.4", "11", "-1", "", "x"] {
            let error = within(0.5..=10.0)(text).unwrap_err();
            assert_eq!(error, "a number from 0.5 to 10", "{text}");
        }
        assert_eq!(within(0.5..=10.0)("1e1"), Ok(10.0));
        assert_eq!(within(1..=9u8)("300"), Err("a number from 1 to 9".into()), "300 is 44 in 8 bits");
        assert!(at_least_one(5)("0").is_err() && at_least_one(5)("6").is_err());
        let time = duration_within(Duration::from_millis(1)..=Duration::from_secs(60));
        assert_eq!(time("0"), Err("a time from 1ms to 60s".into()));
        assert_eq!(time("2s"), Ok(Duration::from_secs(2)));
        assert!(read("--factor nan").unwrap_err().contains("a number from 0.5 to 10"));
    }

    #[test]
    fn a_list_names_nothing_twice() {
        for line in ["--counts 1,2,1", "--counts 1 --counts 1", "--color never --color never"] {
            let error = read(line).unwrap_err();
            assert!(error.contains("is given twice for '--"), "{line}: {error}");
        }
        for line in ["--counts 1,2", "--text a --text a", "--color never --color always"] {
            assert_eq!(read(line), Ok(()), "{line}");
        }
    }

    #[test]
    fn an_option_without_a_range_is_found() {
        use clap::CommandFactory;
        assert_eq!(without_range(Program::command()), ["measure --boundless <BOUNDLESS>"]);
    }
}
