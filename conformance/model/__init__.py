"""The autoscaling model: what Knative 1.23 decides, as pure functions and small state machines.

No input or output, no clock: time is an argument, in Unix seconds. Counts are pods, loads are requests in flight or
requests per second, durations are seconds unless a name says nanoseconds.

    config.AutoscalerConfig.from_data(data)          config-autoscaler, checked; ValueError with Knative's words
    admission.validate(annotations, config)          the webhook's complaints about a revision's annotations
    resolve.resolve(config, annotations, ...)        both together become `parameters.Parameters`
    window.Window                                    one-second sums, linear or weighted mean
    collector.Collector, Stat                        stable and panic window of both metrics
    decider.Decider.decide(now, ready, observed)     the decision: panic, rates, delay, burst capacity
    scaler.scale, activation.judge                   bounds, scale to zero, the Active condition, mode, activators
    sampling.scrape                                  which pods are asked, and what the answers stand for
    kpa.Kpa                                          all of it for one revision: record, tick, reconcile
    hpa.hpa_spec                                     the other class: a HorizontalPodAutoscaler

The direction of imports is the order above. `rounding`, `literals`, `durations` and `keys` hold what Knative's language
and annotations bring along.
"""
