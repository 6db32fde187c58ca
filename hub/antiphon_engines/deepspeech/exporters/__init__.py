"""Writers of the files that Mozilla's and Coqui's own libraries run."""
