//! The text under a command's options: it shows how the command is called, and no line of it is broken by the terminal.

use clap::Command;

/// As wide as clap makes a help text where it knows no terminal.
const WIDTH: usize = 100;

/// The commands of a program whose help has no example, and the lines under the options that are too long. For tests.
///
/// A line that is too long is broken twice, by its writer and by clap, and then one word stands alone. Hidden commands are not looked at.
#[must_use]
pub fn hard_to_read(command: Command) -> Vec<String> {
    let mut command = command;
    command.build();
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let below = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_example = command.has_subcommands() || below.contains(&name);
    let no_example = (!has_example).then(|| format!("{name}: no example"));
    let too_long = below.lines().filter(|line| line.chars().count() > WIDTH);
    let of_this = too_long.map(|line| format!("{name}: {line}")).chain(no_example).collect::<Vec<_>>();
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
    of_this.into_iter().chain(inner.cloned().flat_map(hard_to_read)).collect()
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    #[test]
    fn a_command_without_an_example_and_a_line_that_is_too_long_are_found() {
        let line = "m".repeat(WIDTH);
        let fits = Command::new("fits").after_help(format!("x fits\n{line}"));
        let long = Command::new("long").after_help(format!("x long\n{line}m"));
        let commands = [fits, long, Command::new("bare"), Command::new("hidden").hide(true)];
        let program = Command::new("x").bin_name("x").subcommands(commands);
        assert_eq!(hard_to_read(program), [format!("x long: {line}m"), "x bare: no example".into()]);
    }
}
