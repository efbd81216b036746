"""The playground: a local web server and a page to sample, edit and compare models."""
