//! The letters of options: one letter has one meaning in all programs. The table is in CONTRIBUTING.md, *Letters*.

use clap::Command;

/// The options with a letter of a program, its subcommands' too, that a table has not got, or has as a second meaning of the letter without
/// a reason. For tests.
///
/// A line of the table begins with the letter, the names of options that have it, and the meaning; a fourth column is the reason.
#[must_use]
pub fn letters_not_in(table: &str, command: Command) -> Vec<String> {
    let rows: Vec<Row<'_>> = table.lines().filter_map(row).collect();
    let has_place = |letter: char, name: &str| {
        let mut of_letter = rows.iter().filter(|row| row.letter == letter).enumerate();
        of_letter.any(|(place, row)| row.has(name) && (place == 0 || !row.reason.is_empty()))
    };
    let missing = letters(command).into_iter().filter(|(letter, name, _)| !has_place(*letter, name));
    missing.map(|(letter, name, program)| format!("{program} -{letter} --{name}")).collect()
}

struct Row<'a> {
    letter: char,
    names: &'a str,
    reason: &'a str,
}

impl Row<'_> {
    fn has(&self, name: &str) -> bool {
        self.names.contains(&format!("`--{name}`"))
    }
}

/// ``| `-l` | `--last` | how many | the notes |``
fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.strip_prefix("| `-")?.split('|').map(str::trim).collect();
    let (letter, [names, _, reason, ..]) = cells.split_first()? else { return None };
    Some(Row { letter: letter.strip_suffix('`')?.parse().ok()?, names, reason })
}

/// Each option with a letter, and the program that has it.
fn letters(mut command: Command) -> Vec<(char, String, String)> {
    command.build();
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let of_this: Vec<_> = command
        .get_arguments()
        .filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"))
        .filter_map(|argument| {
            Some((argument.get_short()?, argument.get_long()?.to_owned(), name.to_owned()))
        })
        .collect();
    of_this.into_iter().chain(command.get_subcommands().cloned().flat_map(letters)).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;

    const TABLE: &str = "\
| letter | option | meaning | reason |
|---|---|---|---|
| `-m` | `--model`, `--models` | the model | |
| `-m` | `--message` | a text | the notes |
| `-m` | `--mode` | a mode | |
";

    #[test]
    fn a_letter_without_a_place_in_the_table_and_a_second_meaning_without_a_reason_are_found() {
        let option = |letter, name: &'static str| Arg::new(name).short(letter).long(name);
        let of = |name| Command::new(name).arg(option('m', name));
        let programs = ["model", "models", "message", "mode", "most"].map(of);
        let command = Command::new("x").bin_name("x").arg(option('n', "name")).subcommands(programs);
        assert_eq!(letters_not_in(TABLE, command), ["x -n --name", "x mode -m --mode", "x most -m --most"]);
    }
}
