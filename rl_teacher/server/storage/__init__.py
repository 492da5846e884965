"""Where the bytes of clips, arrays and exports are: in the data folder, or in an object store."""
