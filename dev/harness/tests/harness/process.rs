use oms_harness::Process;

use crate::SOON;

fn shell(script: &str) -> Process {
    Process::spawn("script", "sh", &["-c", script], &[("GREETING", "hello")]).unwrap()
}

#[tokio::test]
async fn the_output_of_both_streams_is_kept_in_order() {
    let process = shell("echo $GREETING; echo oops >&2; echo end");
    assert!(process.wait(SOON).await.unwrap().success());
    assert_eq!(process.log(), "hello\noops\nend\n");
}

#[tokio::test]
async fn the_exit_code_is_told_and_so_is_the_signal() {
    let ended = shell("exit 3").wait(SOON).await.unwrap();
    assert_eq!(
        (ended.code(), ended.signal(), ended.success()),
        (Some(3), None, false)
    );
    let killed = shell("kill -s ABRT $$").wait(SOON).await.unwrap();
    assert_eq!((killed.code(), killed.signal()), (None, Some(6)));
}

#[tokio::test]
async fn sigterm_can_be_handled_and_sigkill_cannot() {
    let script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let process = shell(script);
    process.wait_for_log("ready", SOON).await.unwrap();
    process.terminate();
    assert_eq!(process.wait(SOON).await.unwrap().code(), Some(7));
    assert!(process.log().ends_with("bye\n"));

    let process = shell(script);
    process.wait_for_log("ready", SOON).await.unwrap();
    assert_eq!(process.kill().await.signal(), Some(9));
    assert!(!process.log().contains("bye"));
    assert!(!process.is_running());
}

#[tokio::test]
async fn who_ignores_sigterm_is_killed_and_told_of() {
    let process = shell("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    process.wait_for_log("ready", SOON).await.unwrap();
    let error = process
        .stop(std::time::Duration::from_millis(200))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("did not follow SIGTERM"),
        "{error:#}"
    );
    assert_eq!(process.exit().and_then(|exit| exit.signal()), Some(9));
}

#[tokio::test]
async fn waiting_for_words_that_never_come_ends_with_the_process_and_shows_its_log() {
    let process = shell("echo something else");
    let error = process
        .wait_for_log("the words", SOON)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("\"the words\"") && error.contains("something else"),
        "{error}"
    );
}

#[tokio::test]
async fn a_line_written_late_is_waited_for() {
    let process = shell("echo one; sleep 0.2; echo two words; sleep 60");
    assert_eq!(
        process.wait_for_log("two", SOON).await.unwrap(),
        "two words"
    );
}

#[test]
fn a_missing_program_is_an_error_at_once() {
    let error = Process::spawn("nothing", "/no/such/program", &[], &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("nothing") && error.contains("/no/such/program"),
        "{error}"
    );
}
