#!/bin/bash
# The metrics as Prometheus reads them, what they count, and the example alert rules.
. "$(dirname "$0")/lib.sh"
need promtool
RULES=$(cd "$(dirname "$0")/../../platform/prometheus" && pwd)/tillpost.rules.yml
PRESETS='["Complete Payment"]'
# metric NAME[{LABELS}]: its value
metric() { call GET /metrics | awk -v name="$1" '$1 == name { print $2 }'; }
metric_is() { is "$1" "$(metric "$1")" "$2"; }

sandbox_start
agent_config
agent_start
say "promtool finds nothing to say"
call GET /metrics >"$W/metrics"
lint=$(promtool check metrics <"$W/metrics" 2>&1) && [ -z "$lint" ] || fail "promtool: $lint"

say "each counts what it says"
sell one
eventually counted one
post /v1/track "$(purchase one)"
post /v1/track '{"type":"track","event":"Nothing"}'
post /v1/track '{"type":"track","event":"Order Completed","properties":{}}'
for result in queued duplicate ignored refused; do
    metric_is "tillpost_events_received_total{result=\"$result\"}" 1
done
eventually status_is delivery.sent_total 1
metric_is tillpost_events_sent_total 1
metric_is 'tillpost_delivery_attempts_total{outcome="done"}' 1
tell script '[{"code":40002,"message":"Batch.0.user: no","events_only":true}]'
sell two
eventually status_is queue.dead 1
metric_is 'tillpost_events_dead_total{reason="tiktok"}' 1
metric_is 'tillpost_queue_events{state="dead"}' 1
metric_is 'tillpost_delivery_attempts_total{outcome="split"}' 1
"$TILLPOST" retry --dead --config "$W/tillpost.json" >/dev/null
metric_is tillpost_events_retried_total 1
eventually counted two
post /v1/pause '{}'
sell three
metric_is 'tillpost_queue_events{state="queued"}' 1
"$TILLPOST" drop three --config "$W/tillpost.json" >/dev/null
metric_is tillpost_events_dropped_total 1
metric_is tillpost_queue_max_bytes 268435456
[ "$(metric tillpost_queue_bytes)" -ge 4096 ] || fail "queue_bytes: $(metric tillpost_queue_bytes)"
last=$(metric tillpost_last_delivery_timestamp_seconds)
[ $(($(date +%s) - last)) -le 120 ] || fail "last delivery: $last"
is "a histogram's last bucket is its count" "$(metric 'tillpost_commit_seconds_bucket{le="+Inf"}')" \
    "$(metric tillpost_commit_seconds_count)"
[ "$(metric tillpost_commit_seconds_count)" -ge 4 ] || fail "commits: $(metric tillpost_commit_seconds_count)"
metric_is 'tillpost_storage_errors_total{op="commit"}' 0
metric_is "tillpost_build_info{version=\"$("$TILLPOST" version --json | "$TOOL" get version)\"}" 1

say "the alert rules are right, and speak of metrics that there are"
promtool check rules "$RULES" >"$W/rules" 2>&1 || fail "promtool: $(cat "$W/rules")"
grep -o 'tillpost_[a-z_]*' "$RULES" | sed 's/_bucket$//' | sort -u | while read -r name; do
    grep -q "^# TYPE $name " "$W/metrics" || fail "there is no $name"
done || exit 1

say "each rule fires when it should, and none for a till that is well"
ALERTS=$(sed -n 's/.*- alert: //p' "$RULES")
# shellcheck disable=SC2086 # a list of words
cat >"$W/test.yml" <<YML
rule_files: [ "$RULES" ]
evaluation_interval: 10m
tests:
  - interval: 10m
    input_series:
      - { series: 'up{job="tillpost",instance="well"}', values: '1x100' }
      - { series: 'tillpost_storage_errors_total{op="commit",instance="well"}', values: '3x100' }
      - { series: 'tillpost_queue_bytes{instance="well"}', values: '65536x100' }
      - { series: 'tillpost_queue_max_bytes{instance="well"}', values: '268435456x100' }
      - { series: 'tillpost_queue_oldest_age_seconds{instance="well"}', values: '40x100' }
      - { series: 'tillpost_queue_events{state="queued",instance="well"}', values: '3x100' }
      - { series: 'tillpost_queue_events{state="dead",instance="well"}', values: '0x100' }
      - { series: 'tillpost_delivery_attempts_total{outcome="pause",instance="well"}', values: '1x100' }
      - { series: 'tillpost_events_received_total{result="queued",instance="well"}', values: '0+50x100' }
      - { series: 'tillpost_events_received_total{result="refused",instance="well"}', values: '0+1x100' }
      - { series: 'tillpost_clock_offset_seconds{instance="well"}', values: '-2x100' }
      - { series: 'tillpost_commit_seconds_bucket{le="0.5",instance="well"}', values: '0+50x100' }
      - { series: 'tillpost_commit_seconds_bucket{le="+Inf",instance="well"}', values: '0+50x100' }
    alert_rule_test:
$(printf '      - { eval_time: 12h, alertname: %s, exp_alerts: [] }\n' $ALERTS)
  - interval: 10m
    input_series:
      - { series: 'up{job="tillpost",instance="ill"}', values: '0x100' }
      - { series: 'tillpost_storage_errors_total{op="commit",instance="ill"}', values: '0+1x100' }
      - { series: 'tillpost_queue_bytes{instance="ill"}', values: '250000000x100' }
      - { series: 'tillpost_queue_max_bytes{instance="ill"}', values: '268435456x100' }
      - { series: 'tillpost_queue_oldest_age_seconds{instance="ill"}', values: '2000000x100' }
      - { series: 'tillpost_queue_events{state="queued",instance="ill"}', values: '3x100' }
      - { series: 'tillpost_queue_events{state="dead",instance="ill"}', values: '1x100' }
      - { series: 'tillpost_delivery_attempts_total{outcome="pause",instance="ill"}', values: '0+1x100' }
      - { series: 'tillpost_events_received_total{result="queued",instance="ill"}', values: '0+50x100' }
      - { series: 'tillpost_events_received_total{result="refused",instance="ill"}', values: '0+10x100' }
      - { series: 'tillpost_clock_offset_seconds{instance="ill"}', values: '-4000x100' }
      - { series: 'tillpost_commit_seconds_bucket{le="0.5",instance="ill"}', values: '0+5x100' }
      - { series: 'tillpost_commit_seconds_bucket{le="2.5",instance="ill"}', values: '0+50x100' }
      - { series: 'tillpost_commit_seconds_bucket{le="+Inf",instance="ill"}', values: '0+50x100' }
    promql_expr_test:
$(for rule in $ALERTS; do
    firing="count(ALERTS{alertname=\"$rule\",alertstate=\"firing\"})"
    printf "      - { eval_time: 12h, expr: '%s', exp_samples: [ { value: 1 } ] }\n" "$firing"
done)
YML
promtool test rules "$W/test.yml" >"$W/rules" 2>&1 || fail "promtool: $(cat "$W/rules")"
