//! `joiner doctor --template`: what a stack that does nothing costs.

use expect_test::expect;
use joiner_cli::{Streams, run};

/// Exit code, standard output and standard error for a template on standard input.
fn doctor(more: &[&str], template: &str) -> (u8, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        input: &mut template.as_bytes(),
        output: &mut output,
        errors: &mut errors,
        has_terminal: false,
    };
    let arguments = ["joiner", "doctor", "--template", "-"].into_iter().chain(more.iter().copied());
    let code = run(arguments, &mut streams);
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (code, text(output), text(errors))
}

const OURS: &str = include_str!("../../../infra/template.yaml");

#[test]
fn our_own_stack_is_counted_by_its_schedules_and_queues() {
    let (code, output, errors) = doctor(&[], OURS);
    assert_eq!((code, &*errors), (0, ""));
    expect![[r#"
        A MONTH IN WHICH NOTHING HAPPENS                                 $
        catalog/Catalogue, idle: 720 runs of 10000 ms with 512 MB   $0.049
        catalog/Look, idle: 43200 runs of 100 ms with 512 MB        $0.038
        disruption/Sweep, idle: 43200 runs of 100 ms with 1024 MB   $0.067
        lifecycle/Sweep, idle: 43200 runs of 100 ms with 512 MB     $0.038
        provisioning/Sweep, idle: 43200 runs of 100 ms with 512 MB  $0.038
        queues, idle: 518400 looks                                  $0.208
        all of it at list price                                     $0.435
        less what every account has free                            $0.000
    "#]]
    .assert_eq(&output);
}

#[test]
fn durations_are_given_by_function_or_by_schedule() {
    let took = ["--took", "disruption=400", "--took", "catalog/Catalogue=20000"];
    expect![[r#"
        A MONTH IN WHICH NOTHING HAPPENS                                 $
        catalog/Catalogue, idle: 720 runs of 20000 ms with 512 MB   $0.097
        catalog/Look, idle: 43200 runs of 100 ms with 512 MB        $0.038
        disruption/Sweep, idle: 43200 runs of 400 ms with 1024 MB   $0.240
        lifecycle/Sweep, idle: 43200 runs of 100 ms with 512 MB     $0.038
        provisioning/Sweep, idle: 43200 runs of 100 ms with 512 MB  $0.038
        queues, idle: 518400 looks                                  $0.208
        all of it at list price                                     $0.655
        less what every account has free                            $0.000
    "#]]
    .assert_eq(&doctor(&took, OURS).1);
    let took = ["--took", "catalog=50", "-o", "json"];
    expect![[r#"
        {"lines":[{"what":"catalog/Catalogue, idle: 720 runs of 50 ms with 512 MB","dollarsPerMonth":0.000383994},{"what":"catalog/Look, idle: 43200 runs of 50 ms with 512 MB","dollarsPerMonth":0.02303964},{"what":"disruption/Sweep, idle: 43200 runs of 100 ms with 1024 MB","dollarsPerMonth":0.06623856},{"what":"lifecycle/Sweep, idle: 43200 runs of 100 ms with 512 MB","dollarsPerMonth":0.03743928},{"what":"provisioning/Sweep, idle: 43200 runs of 100 ms with 512 MB","dollarsPerMonth":0.03743928},{"what":"queues, idle: 518400 looks","dollarsPerMonth":0.20736}],"listPerMonth":0.371900754,"duePerMonth":0.0}
    "#]].assert_eq(&doctor(&took, OURS).1);
}

#[test]
fn what_is_no_template_and_what_cannot_be_counted_is_bad_input_in_one_line() {
    let cron = OURS.replacen("Schedule: rate(1 minute)", "Schedule: cron(0 9 * * ? *)", 1);
    let cases: [(&[&str], &str); 6] = [
        (&[], "just text"),
        (&[], "{"),
        (&[], "Resources: 3"),
        (&[], &cron),
        (&["--took", "provisioning=soon"], OURS),
        (&["--took", "nobody=100"], OURS),
    ];
    let mut lines = String::new();
    for (more, template) in cases {
        let (code, output, errors) = doctor(more, template);
        assert_eq!((code, &*output), (2, ""), "{errors}");
        lines.push_str(&errors);
    }
    expect![[r#"
        error: stdin: Resources: expected the stack's resources
        error: stdin: expected a SAM template: error: line 1 column 1: unclosed bracket '{'  --> <input>:1:1   | 1 | {   | ^ unclosed bracket '{'
        error: stdin: Resources: expected the stack's resources
        error: stdin: Resources.ProvisioningFunction.Properties.Events.Sweep.Properties.Schedule: expected a rate such as rate(5 minutes), found "cron(0 9 * * ? *)"
        error: --took: expected FUNCTION=MILLIS, of 900000 at most, found "provisioning=soon"
        error: --took: expected one of catalog, catalog/Catalogue, catalog/Look, disruption, disruption/Sweep, lifecycle, lifecycle/Sweep, provisioning, provisioning/Sweep, found "nobody"
    "#]].assert_eq(&lines);
}
