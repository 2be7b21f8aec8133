"""What is there before anything runs: report.yaml, notebooks, parameters, the data set."""
