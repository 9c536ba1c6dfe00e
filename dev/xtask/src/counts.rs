//! Counts what the tests of many binaries have given.

/// The sum over all test binaries, read from the lines that they print.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were left out.
    pub ignored: u64,
    /// The names of those that failed.
    pub failures: Vec<String>,
    /// How many of those whose results are to come have said that this machine does not let them test anything.
    untested: u64,
}

impl Counts {
    /// Takes in one line of output.
    pub fn line(&mut self, line: &str) {
        if let Some(sums) = line.strip_prefix("test result: ") {
            self.sums(sums);
        } else if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.failures.push(name.to_owned());
        } else if line.starts_with("NOT TESTED: ") {
            // It will say that it has passed, for want of another word.
            self.untested += 1;
            self.ignored += 1;
        }
    }

    /// Takes in one line of the output of `go test -v`; a test and each part of it count.
    pub fn go_line(&mut self, line: &str) {
        let Some((word, rest)) = line
            .trim_start()
            .strip_prefix("--- ")
            .and_then(|rest| rest.split_once(": "))
        else {
            return;
        };
        match word {
            "PASS" => self.passed += 1,
            "SKIP" => self.ignored += 1,
            "FAIL" => {
                self.failed += 1;
                let name = rest.split(' ').next().unwrap_or(rest);
                self.failures.push(name.to_owned());
            }
            _ => {}
        }
    }

    /// Such as `ok. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
    fn sums(&mut self, text: &str) {
        for part in text.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(word)) = (words.next(), words.next()) else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match word {
                "passed" => {
                    self.passed += number.saturating_sub(std::mem::take(&mut self.untested));
                }
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_all_binaries_are_added_up() {
        let mut counts = Counts::default();
        let output = "\
running 2 tests
test a::the_one ... ok
test a::the_other ... FAILED
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 7 filtered out; finished in 1.50s";
        output.lines().for_each(|line| counts.line(line));
        let expected = Counts {
            passed: 13,
            failed: 1,
            ignored: 3,
            failures: vec!["a::the_other".to_owned()],
            untested: 0,
        };
        assert_eq!(counts, expected);
    }

    #[test]
    fn the_results_of_go_are_added() {
        let mut counts = Counts::default();
        let output = "\
=== RUN   TestAll
=== RUN   TestAll/new
    all_test.go:56: expected Current
--- FAIL: TestAll (0.01s)
    --- PASS: TestAll/new (0.00s)
    --- FAIL: TestAll/old (0.00s)
    --- SKIP: TestAll/odd (0.00s)
FAIL
FAIL	omsoperator/kstatus	0.006s";
        output.lines().for_each(|line| counts.go_line(line));
        let expected = Counts {
            passed: 1,
            failed: 2,
            ignored: 1,
            failures: vec!["TestAll".to_owned(), "TestAll/old".to_owned()],
            untested: 0,
        };
        assert_eq!(counts, expected);
    }

    #[test]
    fn what_this_machine_does_not_let_a_test_do_has_not_passed() {
        let mut counts = Counts::default();
        let output = "\
NOT TESTED: the binary in an empty root
test image::it_does_its_work ... ok
test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 1.50s
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s";
        output.lines().for_each(|line| counts.line(line));
        assert_eq!((counts.passed, counts.ignored), (12, 4));
    }

    #[test]
    fn what_a_test_prints_is_not_taken_for_a_result() {
        let mut counts = Counts::default();
        counts.line("a line about test result: 5 passed");
        counts.line("test result: 3 apples");
        assert_eq!(counts, Counts::default());
    }
}
