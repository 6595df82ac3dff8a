"""From a scenario to a result: build the twin, run the campaign, reduce the readings, analyse the truth."""
