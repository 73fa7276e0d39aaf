module sluice.dev/examples/integration-test

go 1.26
